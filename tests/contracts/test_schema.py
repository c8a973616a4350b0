"""The graph's contract: the checked-in SDL is the served one, and says what everything is for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import build_schema, find_breaking_changes, is_specified_directive, is_specified_scalar_type

from schema.assembly import build

KEPT = Path(__file__).with_name("schema.graphql")


def test_the_sdl_is_checked_in() -> None:
    """A change of the schema is seen in review: `gateway schema > tests/contracts/schema.graphql` after meaning it."""
    kept, served = KEPT.read_text("utf-8"), build().sdl
    breaking = [change.description for change in find_breaking_changes(build_schema(kept), build_schema(served))]
    assert not breaking
    assert kept == served


def _undescribed() -> Iterator[str]:
    if not build().schema.description:
        yield "schema"
    for type_ in build().schema.type_map.values():
        if type_.name.startswith("__") or is_specified_scalar_type(type_):
            continue
        if not type_.description:
            yield type_.name
        members: dict[str, Any] = {**getattr(type_, "fields", {}), **getattr(type_, "values", {})}
        for name, member in members.items():
            if not member.description:
                yield f"{type_.name}.{name}"
            for argument, declared in getattr(member, "args", {}).items():
                if not declared.description:
                    yield f"{type_.name}.{name}({argument})"


def test_everything_is_described() -> None:
    """The schema, and every type, field, argument, enum value and directive has a description."""
    assert list(_undescribed()) == []
    directives = [each for each in build().schema.directives if not is_specified_directive(each)]
    assert all(each.description for each in directives)


def test_scalars_say_how_they_are_written() -> None:
    """Dates and instants name their specification, money its bounds, for code generators to use."""
    types: Any = build().schema.type_map
    assert all(types[name].specified_by_url for name in ("Date", "DateTime"))
    assert "two decimals" in types["Money"].description


def test_the_sdl_is_sorted() -> None:
    """Types stand in the order of their names, so that a diff shows what changed and nothing else."""
    names = [
        line.split()[1]
        for line in KEPT.read_text("utf-8").splitlines()
        if line.startswith(("type ", "input ", "enum ", "scalar ", "interface "))
    ]
    assert names == sorted(names)
