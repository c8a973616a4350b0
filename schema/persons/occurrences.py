"""Finds where a person occurs in a workspace: in every text of every table, those of extensions too."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import orjson
from sqlalchemy import String, Table, bindparam, select, tuple_
from sqlalchemy import text as sql
from sqlmodel import AutoString, SQLModel

from schema.storage.columns import CodePointText
from schema.storage.database import Database, Row
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

from .identifiers import PersonIdentifiers
from .person import KINDS, Person

PORTION: Final = 500
"""Rows that are read at once, each portion in a snapshot of its own."""
ANSWERS: Final = 8
"""The same of kept answers: each may be as large as `GATEWAY_MAX_ANSWER`."""
ANSWER: Final = "answer"
"""The column of kept answers, of which more goes than what names the person."""

_NAMES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false))",
}
"""The names of all tables."""

_TEXTS: Final = (CodePointText, AutoString, String)
"""The types of columns that hold texts: a package may write a plain `str` of SQLModel, or a type of SQLAlchemy."""

How = Literal["own", "reference", "mention", "other"]
"""The person's own row; the person's id; a text that names the person; another person's row that has the same."""


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column of a row in which a person occurs. `key` is the row's, without the workspace."""

    table: str
    key: Object
    column: str
    value: Value
    how: How


class Scan:
    """The statements that read a table's keys and texts portion by portion."""

    def __init__(self, database: Database, table: Table) -> None:
        self.database = database
        self.table = table
        self.portion = ANSWERS if ANSWER in table.c else PORTION
        is_workspace = table.name == "workspace"
        self.keys = [column for column in table.primary_key if column.name != "workspace_id"]
        self.columns = _texts(table)
        here = table.c.id == WORKSPACE if is_workspace else table.c.workspace_id == WORKSPACE
        first = select(*self.keys, *self.columns).where(here).order_by(*self.keys).limit(self.portion)
        after: Value = tuple_(*(bindparam(f"after_{key.name}", type_=key.type, required=True) for key in self.keys))
        self._first = database.compile(first)
        self._next = database.compile(first.where(tuple_(*self.keys) > after)) if self.keys else None

    async def rows(self, workspace_id: str) -> AsyncIterator[Row]:
        """All rows of a workspace."""
        rows = await self.database.fetch(self._first, {"workspace": workspace_id})
        while True:
            for row in rows:
                yield row
            if len(rows) < self.portion or self._next is None:
                return
            after = {f"after_{key.name}": value for key, value in zip(self.keys, rows[-1], strict=False)}
            rows = await self.database.fetch(self._next, {"workspace": workspace_id, **after})


async def _tables(database: Database) -> list[Table]:
    """Those of the database that hold texts of a workspace: a package may be imported here whose tables another database has."""
    rows = await database.fetch(database.compile(sql(_NAMES[database.dialect.name])), {})
    there = {row[0] for row in rows}
    return [table for table in SQLModel.metadata.sorted_tables if table.name in there and _has_texts(table)]


def _has_texts(table: Table) -> bool:
    return table.name == "workspace" or ("workspace_id" in table.c and len(_texts(table)) > 0)


def _texts(table: Table) -> list[Value]:
    return [column for column in table.c if isinstance(column.type, _TEXTS) and column.name != "workspace_id"]


async def find_occurrences(database: Database, person: Person, words: PersonIdentifiers) -> AsyncIterator[PersonalColumn]:
    """Everything that is stored of a person in the workspace, table by table."""
    for table in await _tables(database):
        scan = Scan(database, table)
        names = [column.name for column in scan.columns]
        keys = [key.name for key in scan.keys]
        async for row in scan.rows(person.workspace_id):
            key = dict(zip(keys, row, strict=False))
            texts = dict(zip(names, row[len(keys) :], strict=True))
            for trace in _of_row(table.name, key, texts, person, words):
                yield trace


def _of_row(table: str, key: Object, texts: dict[str, str | None], person: Person, words: PersonIdentifiers) -> Iterator[PersonalColumn]:
    is_own = table == person.kind and key.get("id") == person.id
    for column, text in texts.items():
        if text is None:
            continue
        how = "own" if is_own else _how(table, column, text, person, words)
        if how is not None:
            yield PersonalColumn(table, key, column, text, how)


def _how(table: str, column: str, text: str, person: Person, words: PersonIdentifiers) -> How | None:
    if text == person.id:
        return "reference"
    # Numbers of JSON may look like a telephone's: what counts is whether anything would change.
    if without(column, text, words) != text:
        return "other" if table in KINDS else "mention"
    return "reference" if person.id in text else None


def without(column: str, text: str, words: PersonIdentifiers) -> str:
    """A text of a column without the person."""
    if column == ANSWER:
        return words.redact_answer(text)
    if not words.find(text):
        return text
    return words.redact_json(text) if _is_json(text) else words.redact(text)


def _is_json(text: str) -> bool:
    """Whether a text is an object or an array: then it must stay one."""
    if text[:1] not in {"{", "["}:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
