"""Binds that are compared with a column."""

from sqlalchemy import BigInteger, SmallInteger, bindparam

from schema.storage.statements import list_bind
from schema.values import Clause, SqlType, Value


def compared(column: Clause, name: str) -> Value:
    """A value to compare with `column`. Whole numbers travel as 64 bits: asyncpg refuses what the column's own type can't hold."""
    return bindparam(name, type_=_wide(column), required=True)


def compared_list(column: Clause, name: str) -> Value:
    """A list of values to compare with `column`."""
    return list_bind(name, _wide(column))


def _wide(column: Clause) -> SqlType:
    return BigInteger() if isinstance(column.type, SmallInteger) else column.type
