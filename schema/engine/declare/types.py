"""The column type and the filter input of each type of fields."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Integer
from strawberry import ID

from schema.engine.compile.enums import StoredEnum
from schema.engine.declare.conditions import (
    DateFilter,
    DateTimeFilter,
    ExactStringFilter,
    IDFilter,
    IntFilter,
    MoneyFilter,
    StringFilter,
    enum_conditions,
)
from schema.engine.types.scalars import Date, DateTime, Money
from schema.storage.columns import CalendarDate, Cents, CodePointText, Instant, Small
from schema.values import Made, Value

MISSING: Any = object()
"""Stands for a default that isn't there: null may be one."""


class UnfoldedText:
    """Stands for a text that no case-folded one is kept of: it is filtered as it is."""


_SQL: dict[Value, Value] = {
    str: CodePointText,
    ID: CodePointText,
    Money: Cents,
    Date: CalendarDate,
    DateTime: Instant,
    int: Integer,
    bool: Boolean,
}
_HELD: dict[type, Value] = {bool: Boolean, int: Small, str: CodePointText, datetime: Instant, date: CalendarDate}
_SMALL = range(-(2**15), 2**15)
_FILTERS: dict[Value, Value] = {
    str: StringFilter,
    ID: IDFilter,
    Money: MoneyFilter,
    Date: DateFilter,
    DateTime: DateTimeFilter,
    int: IntFilter,
    UnfoldedText: ExactStringFilter,
    bool: bool,
}


def sql_type(type_: Made) -> Made:
    """The type of the column of a field. Raises TypeError where nothing says it: then `stored_as` must."""
    if isinstance(type_, type) and issubclass(type_, StoredEnum):
        held = type_.held().values()
        kind = type(next(iter(held)))
        return Integer if kind is int and not all(value in _SMALL for value in held) else _HELD[kind]
    if type_ not in _SQL:
        known = "str, int, bool, ID, Date, DateTime, Money, or an enum of `stored_enum`"
        raise TypeError(f"no column type is known for {type_}; take {known}, or say `stored_as=` of the column")
    return _SQL[type_]


def filter_of(type_: Made) -> Made:
    """The input that a filter has for a field of this type; that of an enum is made here, unless `filter_enum` gave it one.

    Raises TypeError where there is none.
    """
    if type_ not in _FILTERS and isinstance(type_, type) and issubclass(type_, StoredEnum):
        name = type_.__name__
        filter_enum(type_, enum_conditions(f"{name}Filter", type_, f"a value of {name}", nullable=True))
    if type_ not in _FILTERS:
        raise TypeError(f"no filter is known for {type_}")
    return _FILTERS[type_]


def filter_enum(enum: Made, made: Made) -> None:
    """Makes the input `made` the filter of an enum."""
    _FILTERS[enum] = made
