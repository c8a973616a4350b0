"""The code that plans generate: readable, found by tracebacks and debuggers, and gone with its plan."""

import gc
import linecache
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.engine.compile.writer import Sources, make_writer, sources
from schema.graph import Graph
from tests.schema.dataset import World, ask

LIST = "{ opportunities(first: 3) { nodes { id phase: stage account { name } } } }"


async def test_a_failure_shows_field_and_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A format that fails in the middle of a plan: the log's traceback shows the generated line, with the key that it writes."""
    graph, caller = Graph(world.database), world.here.caller()

    class Planted:
        def __getitem__(self, _: object) -> str:
            message = "planted"
            raise RuntimeError(message)

    graph._plans._model.formats.names["OPPORTUNITY_STAGE"] = Planted()
    with pytest.raises(RuntimeError, match="planted") as failure:
        await ask(graph, LIST, caller)
    logging.getLogger("test").error("a defect", exc_info=failure.value)
    assert "'phase': OPPORTUNITY_STAGE[r[1]]," in caplog.text
    frame = [frame for frame in traceback.extract_tb(failure.value.__traceback__) if frame.filename.startswith("<plan ")][-1]
    assert linecache.getline(frame.filename, frame.lineno or 0).strip() == "'phase': OPPORTUNITY_STAGE[r[1]],"


async def test_the_lines_go_with_the_plan(world_on_sqlite: World) -> None:
    """What a graph's plans have shown to tracebacks isn't kept for longer than the plans."""
    gc.collect()
    before = set(linecache.cache)
    graph = Graph(world_on_sqlite.database)
    await ask(graph, LIST, world_on_sqlite.here.caller())
    assert {name for name in set(linecache.cache) - before if name.startswith("<plan ")}
    held = sources.bytes
    del graph
    gc.collect()
    assert not {name for name in set(linecache.cache) - before if name.startswith("<plan ")}
    assert sources.bytes < held


@given(st.lists(st.integers(1, 200), max_size=40))
def test_what_is_shown_is_bounded(lengths: list[int]) -> None:
    """In number and in bytes: the oldest lines go first, and those of functions that live on are then not shown."""
    bounded = Sources(5, 600)
    writer = make_writer("r", "r", {})
    for number, length in enumerate(lengths):
        bounded.add(f"<bounded {number}>", "x" * length, writer.call)
        assert len(bounded) <= 5
        assert bounded.bytes <= 600
    for number in range(len(lengths)):
        bounded.drop(f"<bounded {number}>")
    assert (len(bounded), bounded.bytes) == (0, 0)
