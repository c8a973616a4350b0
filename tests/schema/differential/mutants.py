"""Faults to be put into the planner on purpose: each is one line of `schema/` written otherwise, found by its text wherever it stands.

Where a line is written anew, its mutant here is to be written anew as well: a text that isn't found exactly once is an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import schema

ROOT = Path(str(schema.__file__)).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: its name, a text that is in `schema/` once, and what stands there instead."""

    name: str
    text: str
    instead: str


MUTANTS = (
    Mutant("a dropped filter", "if self.filters is not None and shape != NO_CONDITIONS:", "if False:"),
    Mutant("an inner join", "joined = joined.outerjoin(table, condition)", "joined = joined.join(table, condition)"),
    Mutant("a join without the visibility term", "same.append(target.visible(table))", "pass"),
    Mutant("rows without the visibility term", "terms.append(stored.visible(table))", "pass"),
    Mutant("links without the visibility term", "here.append(match.visible(link))", "pass"),
    Mutant("conditions on another record without the visibility term", "where.append(stored.visible(other))", "pass"),
    Mutant("rows of other workspaces", "[tenant == WORKSPACE]", "[tenant >= WORKSPACE]"),
    Mutant("what only admins may read told to all", "if model.for_admins and not self.admin:", "if False:"),
    Mutant("a cursor's own row again", "return row <= position if at else row < position", "return row <= position"),
    Mutant(
        "a cursor's comparison the wrong way",
        "past = column < bind if term.descending != backward",
        "past = column < bind if term.descending",
    ),
    Mutant("a cursor that forgets what is null", "if term.by.nullable and not backward:", "if term.by.nullable and backward:"),
    Mutant("nulls first", "return clause.nulls_first() if backward else clause.nulls_last()", "return clause.nulls_first()"),
    Mutant("ties in one direction", "Term(self._id, listed[0].descending)", "Term(self._id, False)"),
    Mutant("an off-by-one page", '{"limit": page.size + 1,', '{"limit": page.size,'),
    Mutant("a backward page as it was read", "return rows[::-1] if page.backward else rows", "return rows"),
    Mutant("hasPreviousPage by what is before the cursor", "limited=self.level.limited, at=True)", "limited=self.level.limited)"),
    Mutant("an offset below each parent that shortens the page", "numbered.c.place <= offset + limit)", "numbered.c.place <= limit)"),
    Mutant("a lost argument", "also.append(column)", "pass"),
    Mutant("a wrong default of a variable", "coerced[name] = default", "coerced[name] = None"),
    Mutant("a wrong alias", 'parts.append(f"{selected.key!r}: {code}")', 'parts.append(f"{selected.name!r}: {code}")'),
    Mutant(
        "notIn without what has no value",
        "return or_(column.is_(None), not_(found)) if column.nullable",
        "return not_(found) if column.nullable",
    ),
    Mutant("not that leaves and as it is", 'if (head == "all") != negated:', 'if head == "all":'),
    Mutant("bounds between two seconds", "operator = BETWEEN.get(operator, operator)", "pass"),
    Mutant("startsWith anywhere", "return StartsWith(column, operand)", "return Contains(column, operand)"),
    Mutant("a count of all", ".where(*self.level.permitted(), *self._conditions(asked, many=many))", ".where(*self.level.permitted())"),
    Mutant("weights rounded down", "(deal.c.value_cents * weight + 50) // 100", "(deal.c.value_cents * weight) // 100"),
    Mutant("a past pipeline of every move", ", ~newer]", "]"),
    Mutant("groups in the order of their values", "order = [func.count().desc(), *[", "order = [*["),
    Mutant("a forecast without its last day", 'day <= bindparam("last"', 'day < bindparam("last"'),
    Mutant("the oldest moves", "clause.order_by(None).order_by(order.desc())", "clause.order_by(None).order_by(order)"),
)


class Rotten(Exception):
    """A mutant's text is not in the code exactly once, or in no function."""


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The code with the fault in it, until the end. Raises Rotten."""
    found = {path: text for path in ROOT.rglob("*.py") if (text := path.read_text()).count(mutant.text)}
    if len(found) != 1 or sum(text.count(mutant.text) for text in found.values()) != 1:
        places = [str(path.relative_to(ROOT)) for path in found]
        raise Rotten(f"{mutant.name}: {mutant.text!r} is in {places or 'no file'}; it must be in one, once.")
    ((path, text),) = found.items()
    codes = {code.co_qualname: code for code in _codes(compile(text.replace(mutant.text, mutant.instead), str(path), "exec"))}
    module = import_module(".".join([ROOT.name, *path.relative_to(ROOT).with_suffix("").parts]))
    changed = [each for each in _functions(vars(module), module.__name__) if codes[each.__qualname__] != each.__code__]
    if not changed:
        raise Rotten(f"{mutant.name}: {mutant.text!r} is in no function of {path}.")
    before = [function.__code__ for function in changed]
    for function in changed:
        function.__code__ = codes[function.__qualname__]
    try:
        yield
    finally:
        for function, code in zip(changed, before, strict=True):
            function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _functions(names: Any, module: str) -> Iterator[FunctionType]:
    """The functions of a module and of its classes, that were written there."""
    for value in list(names.values()):
        inner = _function(value)
        if inner is not None and inner.__module__ == module and inner.__code__.co_filename.endswith(".py"):
            yield inner
        elif isinstance(value, type) and value.__module__ == module:
            yield from _functions(vars(value), module)


def _function(value: Any) -> FunctionType | None:
    """The function itself, out of what decorators make of it."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    value = getattr(value, "__wrapped__", getattr(value, "__func__", value))
    return value if isinstance(value, FunctionType) else None
