"""A look at what a graph asks of its database."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schema.storage import sqlite
from schema.storage.database import Row
from schema.storage.postgresql import PostgresqlConnection
from schema.storage.sqlite import SqliteConnection
from schema.storage.statements import Statement


class Heard:
    """The statements fetched since `clear`, with their binds."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.statements: list[tuple[Statement, Mapping[str, Any]]] = []
        # A read that is slow here, on a busy machine, would start anew in a thread and be heard twice.
        patch.setattr(sqlite, "INLINE_SECONDS", 60.0)
        for kind in (SqliteConnection, PostgresqlConnection):
            self._listen(patch, kind)

    def _listen(self, patch: pytest.MonkeyPatch, kind: type[Any]) -> None:
        fetch = kind.fetch

        async def heard(connection: Any, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
            self.statements.append((statement, values))
            rows: Sequence[Row] = await fetch(connection, statement, values)
            return rows

        patch.setattr(kind, "fetch", heard)

    def clear(self) -> None:
        self.statements.clear()

    @property
    def texts(self) -> list[str]:
        return [statement.text for statement, _ in self.statements]

    def reading(self) -> list[str]:
        """All statements but the one that reads the workspace's revision."""
        return [text for text in self.texts if "workspace.revision" not in text]
