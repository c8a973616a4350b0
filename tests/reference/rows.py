"""The rows of a database, each read through a SQLModel session and kept as plain values, as the graph shows them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from graphql import GraphQLSchema
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Session, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from schema.rules.stages import STAGES

LINKS = "opportunity_contact"
_STAGES = {"stage", "from_stage", "to_stage"}
_UPPER = {"role", "kind"}
_WORDS = {"scopes", "changed_fields"}


def snake(name: str) -> str:
    """`closeDate` and `CLOSE_DATE` as `close_date`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True, eq=False)
class Record:
    """A row as an object of the graph: the name of its type, and its values by column."""

    type: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def workspace(self) -> str:
        """The id of its workspace."""
        return str(self.values.get("workspace_id") or self.values["id"])


@dataclass
class Rows:
    """All records of a database by the names of their types, and the links between deals and contacts."""

    records: dict[str, list[Record]]
    links: list[Record]


async def load(url: str, schema: GraphQLSchema) -> Rows:
    """Every row of a table that is named as a type of the schema, and the links. Reads with one session."""
    types = {LINKS: LINKS} | {snake(name): name for name in schema.type_map}
    models = [model for model in (each.class_ for each in SQLModel._sa_registry.mappers) if model.__tablename__ in types]
    names = [types[model.__tablename__] for model in models]
    found = zip(names, await _read(url, models), strict=True)
    records = {name: [Record(name, values) for values in rows] for name, rows in found}
    return Rows(records, records.pop(LINKS))


async def _read(url: str, models: Iterable[Any]) -> list[list[dict[str, Any]]]:
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with Session(engine) as session:
            found = [[_values(row) for row in session.exec(select(model))] for model in models]
        engine.dispose()
        return found
    pool = create_async_engine(re.sub("^postgres(ql)?:", "postgresql+asyncpg:", url))
    async with AsyncSession(pool) as reading:
        found = [[_values(row) for row in await reading.exec(select(model))] for model in models]
    await pool.dispose()
    return found


def _values(row: Any) -> dict[str, Any]:
    """The values by column, whatever the attributes of the model are called."""
    mapper = type(row).__mapper__
    return {each.columns[0].name: shown(each.columns[0].name, getattr(row, each.key)) for each in mapper.column_attrs}


def shown(column: str, value: Any) -> Any:
    """The value of a column as the graph shows it."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if column in _STAGES:
        return STAGES[value].name
    if column in _WORDS:
        return value.split()
    return value.upper() if column in _UPPER else value
