"""A look at what a graph asks of its database."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schema.storage.database import Row
from schema.storage.postgresql.session import PostgresqlConnection
from schema.storage.sqlite import driver as sqlite
from schema.storage.sqlite.driver import SqliteConnection
from schema.storage.statements import Statement


class Heard:
    """The statements fetched since `clear`, with their binds."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.statements: list[tuple[Statement, Mapping[str, Any]]] = []
        # A read that is slow here, on a busy machine, would start anew in a thread and be heard twice.
        patch.setattr(sqlite, "INLINE_SECONDS", 60.0)
        rows, fetch, portions = SqliteConnection.rows, PostgresqlConnection.fetch, PostgresqlConnection.fetch_portions

        def heard_rows(connection: SqliteConnection, statement: Statement, values: Mapping[str, Any], *read: Any) -> Sequence[Row]:
            self.statements.append((statement, values))
            return rows(connection, statement, values, *read)

        async def heard_fetch(session: PostgresqlConnection, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
            self.statements.append((statement, values))
            return await fetch(session, statement, values)

        async def heard_portions(
            connection: PostgresqlConnection, statement: Statement, values: Mapping[str, Any], *portions_of: Any
        ) -> Sequence[Row]:
            self.statements.append((statement, values))
            return await portions(connection, statement, values, *portions_of)

        patch.setattr(SqliteConnection, "rows", heard_rows)
        patch.setattr(PostgresqlConnection, "fetch", heard_fetch)
        patch.setattr(PostgresqlConnection, "fetch_portions", heard_portions)

    def clear(self) -> None:
        self.statements.clear()

    @property
    def texts(self) -> list[str]:
        return [statement.text for statement, _ in self.statements]

    def reading(self) -> list[str]:
        """All statements but those that read the workspace's revision alone."""
        return [text for text in self.texts if not text.startswith("SELECT workspace.revision")]
