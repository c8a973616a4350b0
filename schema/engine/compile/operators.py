"""Operators of filters: between values, or between a column and a bind, where they make the SQL condition."""

from collections.abc import Callable

from schema.values import Value

COMPARISONS: dict[str, Callable[[Value, Value], Value]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}

POSITIVE = {"ne": "eq", "notIn": "in"}
RANGES = frozenset({"gt", "gte", "lt", "lte"})
BETWEEN = {"gte": "gt", "lt": "lte"}
"""Operators for an operand between two seconds, as they apply to the second before."""


def any_holds(operator: str, operand: Value, ids: list[str]) -> bool:
    """Whether an operator of an id filter holds of linked records, by their ids."""
    if operator in {"null", "present"}:
        return (not ids) == (operator == "null")
    wanted = set(operand) if isinstance(operand, list) else {operand}
    return wanted.isdisjoint(ids) == (operator in {"ne", "notIn"})


def holds(operator: str, operand: Value, value: Value) -> bool:  # noqa: PLR0911  a line an operator
    """Whether an operator holds of a value as an event keeps it; what has no value doesn't match."""
    if operator in {"null", "present"}:
        return (value is None) == (operator == "null")
    if operator in {"ne", "notIn"}:
        return value not in operand if operator == "notIn" else value != operand
    if value is None:
        return False
    if operator == "in":
        return value in operand
    if operator == "contains":
        return bool(operand in value)
    if operator == "startsWith":
        return bool(value.startswith(operand))
    return bool(COMPARISONS[operator](value, operand))
