"""Writers: the functions that turn rows into the response, generated from a plan as plain, readable Python expressions.

Measured against closures a field on the 100-row list of the benchmark: a tenth of the time, since a dict display with constant keys is
one instruction a value. Nothing of a request is in the source: response keys go in through repr, values through arguments. Each has a file
name of its own, under which tracebacks and debuggers find its lines.
"""

import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from threading import RLock
from typing import NoReturn
from weakref import finalize

from schema.values import Function, Object

SOURCES, SOURCES_BYTES = 20_000, 16_000_000
"""The most writers whose lines are kept for tracebacks, and about how many bytes they take; the oldest go first."""
_INDENT = "    "


class PlanFault(Exception):
    """The writer met null in a field (`Type.field`) that can't be null: graphql-core makes the response instead."""


def fault(coordinate: str) -> NoReturn:
    """Leaves the writer. Raises PlanFault."""
    raise PlanFault(coordinate)


@dataclass(frozen=True, slots=True)
class GeneratedFunction:
    """A generated function and its source, which `gateway explain` prints."""

    source: str
    call: Function


class Sources:
    """The lines of generated functions in Python's `linecache`, each for as long as its function lives."""

    def __init__(self, number: int, size: int) -> None:
        self._number, self._size = number, size
        self._sizes: dict[str, int] = {}
        self._lock = RLock()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, name: str, source: str, function: Function) -> None:
        """Shows `source` as the file `name` of `function`."""
        with self._lock:
            # Without a time of change, `linecache.checkcache` doesn't look for a file.
            linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
            self._sizes[name] = 2 * len(source)
            self.bytes += 2 * len(source)
            while len(self._sizes) > self._number or self.bytes > self._size:
                self.drop(next(iter(self._sizes)))
        finalize(function, self.drop, name).atexit = False

    def drop(self, name: str) -> None:
        """Forgets the lines of a function."""
        with self._lock:
            self.bytes -= self._sizes.pop(name, 0)
            linecache.cache.pop(name, None)


sources = Sources(SOURCES, SOURCES_BYTES)
_numbers = count(1)


def object_of(members: Sequence[str]) -> str:
    """The code of an object, with one of its `members` (`key: value`) a line."""
    return "{" + "".join([f"\n{_INDENT}{_indented(member)}," for member in members]) + "\n}"


def _indented(code: str, by: str = _INDENT) -> str:
    return code.replace("\n", f"\n{by}")


def make_writer(parameters: str, expression: str, names: Object) -> GeneratedFunction:
    """The function of `parameters` that returns `expression`."""
    return _compiled(f"def write({parameters}):\n    return {_indented(expression)}\n", names)


def make_grouper(row: str, batches: str, expression: str, names: Object) -> GeneratedFunction:
    """The function that groups rows by their first column, each written by `expression`."""
    lines = [
        f"def write(rows{batches}):",
        "    groups = {}",
        f"    for {row} in rows:",
        f"        item = {_indented(expression, 2 * _INDENT)}",
        f"        group = groups.get({row}[0])",
        "        if group is None:",
        f"            groups[{row}[0]] = [item]",
        "        else:",
        "            group.append(item)",
        "    return groups",
    ]
    return _compiled("\n".join(lines) + "\n", names)


def _compiled(source: str, names: Object) -> GeneratedFunction:
    """`names` are the function's globals: writers share them, since a dict for each would take more memory than its code."""
    made: Object = {}
    name = f"<plan {next(_numbers)}>"
    exec(compile(source, name, "exec"), names, made)  # noqa: S102  made by the planner from the schema, never from a request's values
    sources.add(name, source, made["write"])
    return GeneratedFunction(source, made["write"])
