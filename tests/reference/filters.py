"""Filters over records: what a filter refuses, and whether it holds of a record."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import GraphQLInputObjectType, get_named_type

from schema.rules.errors import BadRequest
from schema.rules.stages import BY_NAME
from schema.rules.text import fold, trimmed
from schema.rules.times import Between
from tests.reference.figures import weighted_now
from tests.reference.rows import Record, snake
from tests.reference.view import View

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
    "in": lambda value, operand: value in operand,
    "contains": lambda value, operand: fold(operand) in fold(value),
    "startsWith": lambda value, operand: fold(value).startswith(fold(operand)),
}


def check(type_: GraphQLInputObjectType, given: Mapping[str, Any]) -> None:
    """Raises BadRequest for a condition that says nothing: without an operator, or with null for one, the first that is met."""
    for name, value in given.items():
        inner = get_named_type(type_.fields[name].type)
        if value is None or not isinstance(inner, GraphQLInputObjectType):
            continue
        if "and" in inner.fields:
            for each in value if isinstance(value, list) else [value]:
                check(inner, each)
            if name not in {"and", "or", "not"} and not _narrows(value):
                raise BadRequest(f"`{name}` has no condition in the filter: give one, or leave the field out.")
            continue
        can = "`isNull` finds what has none" if "isNull" in inner.fields else f"`{name}` is never absent, so there is no `isNull` for it"
        wrong = [f"has null for `{operator}`" for operator, operand in value.items() if operand is None]
        if wrong or not value:
            raise BadRequest(f"`{name}` {(*wrong, 'has no operator')[0]} in the filter: give a value, or leave the field out; {can}.")


def _narrows(given: Mapping[str, Any]) -> bool:
    """Whether any condition is left once what is null is taken out, at any depth, and no alternative is left without one."""
    logic = {"and": lambda each: not each or any(map(_narrows, each)), "or": lambda each: all(map(_narrows, each)), "not": _narrows}
    return any(logic.get(name, lambda _: True)(value) for name, value in given.items() if value is not None)


def holds(given: Mapping[str, Any], record: Record, view: View) -> bool:
    """Whether all that a filter says is so of a record."""
    return all(_field(name, value, record, view) for name, value in given.items() if value is not None)


def _field(name: str, value: Any, record: Record, view: View) -> bool:
    if name in {"and", "or"}:
        return (all if name == "and" else any)(holds(each, record, view) for each in value)
    if name == "not":
        return not holds(value, record, view)
    if isinstance(value, bool):
        return (BY_NAME[record["stage"]].is_closed if name == "isClosed" else value_of(record, name)) is value
    if f"{snake(name)}_id" in record.values:
        other = view.refer(record, name)
        return other is not None and holds(value, other, view)
    if name == "contactId":
        ids = [contact["id"] for contact in view.below(record, "Contact")]
        return all(_of_any(operator, operand, ids) for operator, operand in value.items())
    # What the caller isn't shown counts as none: a filter must not tell what a field doesn't.
    hidden = name.endswith("Id") and view.refer(record, name.removesuffix("Id")) is None
    stored = None if hidden else value_of(record, name)
    return all(_of_one(operator, operand, stored) for operator, operand in value.items())


def value_of(record: Record, name: str) -> Any:
    """The value behind a field of the graph."""
    column = snake(name)
    if column in {"weighted_value", "probability_source"}:
        return weighted_now(record) if column == "weighted_value" else ("STAGE_DEFAULT", "MANUAL")[record["probability_manual"]]
    return next(record[each] for each in (column, f"{column}_cents", f"{column}_stage", f"created_{column}") if each in record.values)


def _of_any(operator: str, operand: Any, values: Iterable[Any]) -> bool:
    """A condition on one of many values; `notIn` and `isNull` are on all of them."""
    if operator == "isNull":
        return (not values) is operand
    return (all if operator == "notIn" else any)(_of_one(operator, operand, value) for value in values)


def _of_one(operator: str, operand: Any, value: Any) -> bool:
    if operator == "isNull":
        return (value is None) is operand
    if operator == "notIn":
        return value not in operand
    if isinstance(operand, Between):
        operator = {"gte": "gt", "lt": "lte"}.get(operator, operator)
    return value is not None and _HOLDS[operator](value, operand)


def searched(text: str, records: list[Record]) -> list[Record]:
    """The records whose name, or e-mail address if they have one, holds a text."""
    text = trimmed(text)
    return [each for each in records if not text or fold(text) in fold("\n".join(each.values.get(key, "") for key in ("name", "email")))]
