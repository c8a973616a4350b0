"""The rows of a database, each read through a SQLModel session and kept as plain values, as the graph shows them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from graphql import GraphQLSchema
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Session, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from schema.rules.stages import STAGES

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
    """All records of a database by the names of their types, and the links between two types by both names."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    links: dict[tuple[str, str], list[Record]] = field(default_factory=dict)


async def load(url: str, schema: GraphQLSchema) -> Rows:
    """Every row of a table that is named as a type of the schema, or as two of them: a link. Reads with one session."""
    types = {snake(name): name for name in schema.type_map}
    pairs = {f"{one}_{other}": (types[one], types[other]) for one in types for other in types}
    models = {model.__tablename__: model for model in _models(SQLModel) if model.__tablename__ in {*types, *pairs}}
    found = await _read(url, models.values())
    rows = Rows()
    for table, records in zip(models, found, strict=True):
        if table in types:
            rows.records[types[table]] = [Record(types[table], values) for values in records]
        else:
            rows.links[pairs[table]] = [Record(table, values) for values in records]
    return rows


def _models(base: Any) -> Iterable[Any]:
    for model in base.__subclasses__():
        if hasattr(model, "__table__"):
            yield model
        yield from _models(model)


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
    return {each.columns[0].name: _shown(each.columns[0].name, getattr(row, each.key)) for each in mapper.column_attrs}


def _shown(column: str, value: Any) -> Any:
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
