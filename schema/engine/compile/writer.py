"""Writers: the functions that turn rows into the response, generated from a plan as plain, readable Python expressions.

Measured against closures a field on the 100-row list of the benchmark: a tenth of the time, since a dict display with constant keys is
one instruction a value. Nothing of a request is in the source: response keys go in through repr, values through arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class PlanFault(Exception):
    """The writer met null in a field (`Type.field`) that can't be null: the answer is left to graphql-core."""


def fault(coordinate: str) -> Any:
    """Leaves the writer. Raises PlanFault."""
    raise PlanFault(coordinate)


@dataclass(frozen=True, slots=True)
class Writer:
    """A generated function and its source, which `gateway explain` prints."""

    source: str
    call: Callable[..., Any]


def make_writer(parameters: str, expression: str, names: dict[str, Any]) -> Writer:
    """The function of `parameters` that returns `expression`."""
    return _compiled(f"def write({parameters}):\n    return {expression}\n", names)


def make_grouper(row: str, batches: str, expression: str, names: dict[str, Any]) -> Writer:
    """The function that groups rows by their first column, each written by `expression`."""
    lines = [
        f"def write(rows{batches}):",
        "    groups = {}",
        f"    for {row} in rows:",
        f"        item = {expression}",
        f"        group = groups.get({row}[0])",
        "        if group is None:",
        f"            groups[{row}[0]] = [item]",
        "        else:",
        "            group.append(item)",
        "    return groups",
    ]
    return _compiled("\n".join(lines) + "\n", names)


def _compiled(source: str, names: dict[str, Any]) -> Writer:
    """`names` are the function's globals: writers share them, since a dict for each would take more memory than its code."""
    made: dict[str, Any] = {}
    exec(compile(source, "<plan>", "exec"), names, made)  # noqa: S102  made by the planner from the schema, never from a request's values
    return Writer(source, made["write"])
