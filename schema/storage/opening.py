"""The database at an address."""

from .database import Database
from .postgresql.driver import PostgresqlDatabase
from .sqlite.driver import SqliteDatabase


def open_database(
    url: str, *, statement_timeout: float = 3.0, pool_size: int = 10, acquire_timeout: float = 2.0, operation_timeout: float = 10.0
) -> Database:
    """The store at `sqlite:///path` or `postgresql://…`, not yet connected. Times in seconds. Raises ValueError for other addresses.

    No wait for a lock or a connection is so long that an operation of `operation_timeout` couldn't be refused before its end.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        patience = max(operation_timeout - statement_timeout - 1, operation_timeout / 2)
        return SqliteDatabase(url, statement_timeout=statement_timeout, acquire_timeout=acquire_timeout, patience=patience)
    if scheme in {"postgresql", "postgres"}:
        return PostgresqlDatabase(url, statement_timeout=statement_timeout, pool_size=pool_size, acquire_timeout=acquire_timeout)
    raise ValueError(f"{url.partition('@')[2] or url!r} is no database address: give sqlite:///path or postgresql://user@host/name")
