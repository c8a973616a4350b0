"""Column types whose driver values are the same on SQLite and PostgreSQL: days and instants are ISO 8601 text on the wire."""

from datetime import UTC, date, datetime

from sqlalchemy import TIMESTAMP, BigInteger, Date, Dialect, SmallInteger, String, TypeDecorator
from typing_extensions import override

from schema.sql_types import SqlType
from schema.values import Value

Cents = BigInteger
Small = SmallInteger


class CodePointText(TypeDecorator[str]):
    """Text that compares and sorts by code point on every database (PostgreSQL: COLLATE "C"; SQLite: BINARY)."""

    impl = String
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> SqlType:
        return String(collation="C") if dialect.name == "postgresql" else String()


class Instant(TypeDecorator[datetime]):
    """A UTC instant in whole seconds: `YYYY-MM-DDTHH:MM:SSZ` text on SQLite, `timestamptz` on PostgreSQL."""

    impl = String
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> SqlType:
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(20)

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Value:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @override
    def process_result_value(self, value: Value, dialect: Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class CalendarDate(TypeDecorator[date]):
    """A calendar date: `YYYY-MM-DD` text on SQLite, `date` on PostgreSQL."""

    impl = Date
    cache_ok = True
