"""What is kept to be used again stays within its bounds, in number and in bytes."""

from collections import OrderedDict
from itertools import combinations, islice
from typing import Any

import pytest

from schema.engine.cache import SizedCache
from schema.engine.compile.compiler import STATEMENTS
from schema.engine.compile.data_reader import Counts, RevisionCount
from tests.schema.dataset import World, ask
from tests.schema.test_filters import every_operator

DOCUMENTS = [
    "query($f: OpportunityFilter) { opportunities(filter: $f, first: 1) { nodes { id } totalCount } }",
    "query($f: OpportunityFilter) { pipeline(filter: $f) { count } }",
    'query($f: OpportunityFilter) { forecast(filter: $f, from: "2025-01-01", to: "2025-02-01") { openCount } }',
]


def test_the_longest_unused_go_first() -> None:
    """In number and in bytes; what is used stays, what is put again is counted once, and what is too large is not kept."""
    kept: SizedCache[str] = SizedCache(3, 100)
    for key in "abc":
        kept.put(key, key, 10)
    assert kept.get("a") == "a"
    kept.put("d", "d", 10)
    assert [kept.get(key) for key in "abcd"] == ["a", None, "c", "d"]
    kept.put("a", "A", 50)
    assert (kept.bytes, kept.get("a")) == (70, "A")
    kept.put("e", "e", 60)
    assert (kept.bytes, len(kept), kept.get("c"), kept.get("d")) == (60, 1, None, None)
    kept.put("f", "f", 101)
    assert (kept.bytes, kept.get("e"), kept.get("f")) == (60, "e", None)


def test_a_count_that_is_used_stays() -> None:
    """Counts that are read again and again outlive those that nobody asks for."""
    counts = Counts(3)
    for key in "abc":
        counts.keep((key,), RevisionCount(1, (1,)))
    assert counts.get(("a",)) == RevisionCount(1, (1,))
    counts.keep(("d",), RevisionCount(1, (1,)))
    assert [counts.get((key,)) is not None for key in "abcd"] == [True, False, True, True]


class _Dropping(OrderedDict[object, str]):
    """Values of which each is dropped as soon as it was read, as another thread may do."""

    def get(self, key: object, default: Any = None) -> Any:
        return self.pop(key, default)


def test_a_value_that_another_thread_drops_is_still_found() -> None:
    """Who has found a value gets it, also where another thread makes room at the same moment."""
    kept: SizedCache[str] = SizedCache(1, 100)
    kept.put("a", "a", 10)
    kept._values = _Dropping(kept._values)
    assert (kept.get("a"), kept.get("a")) == ("a", None)


async def test_statements_are_bounded_in_bytes(world_on_sqlite: World) -> None:
    """However many shapes of large filters are asked for, by whatever operation, their statements and counts take no more than they may."""
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    graph._plans._statements = SizedCache(STATEMENTS, 300_000)
    graph._counts._size = 25_000
    every = every_operator()
    for names in islice(combinations(every, 7), 20):
        filter_: dict[str, Any] = {"not": every, "and": [every, {name: every[name] for name in names}]}
        for document in DOCUMENTS:
            assert (await ask(graph, document, caller, {"f": filter_})).errors is None
    assert 0 < graph._plans._statements.bytes <= 300_000
    assert 0 < len(graph._plans._statements) < 20
    assert 0 < graph._counts.bytes <= 25_000


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_shape_is_compiled_once(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    """The same shape with other values finds its statements again."""
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    compiled: list[Any] = []
    compile_ = graph.database.compile
    monkeypatch.setattr(graph.database, "compile", lambda clause: compiled.append(clause) or compile_(clause))
    counts = []
    for value in (1, 2, 3):
        assert (await ask(graph, document, caller, {"f": {"value": {"gte": value}}})).errors is None
        counts.append(len(compiled))
    assert counts[0] == counts[1] == counts[2] > 0
