"""Alembic's environment: it runs on the gateway's connection, or for a developer's `alembic …` on GATEWAY_DATABASE_URL."""

import asyncio
import os
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import AutoString, SQLModel

import schema.nouns.all  # noqa: F401  fills the metadata
from gateway.migrations.packages import is_of_missing
from gateway.migrations.runner import connected
from schema.storage.columns import CalendarDate, CodePointText, Instant
from schema.values import Value

# A revision says for itself what a type was when it was written: these names stand in script.py.mako.
_TYPE_NAMES: dict[type, str] = {CodePointText: "TEXT", AutoString: "TEXT", Instant: "INSTANT", CalendarDate: "DAY"}


def render_item(kind: str, item: Value, _: AutogenContext) -> str | Literal[False]:
    """The text of a column's type in a new revision; False leaves it to Alembic."""
    return _TYPE_NAMES.get(type(item), False) if kind == "type" else False


def is_compared(_: Value, name: str | None, kind: str, reflected: bool, __: Value) -> bool:  # noqa: FBT001  as Alembic calls it
    """Whether a table is one of those that a new revision is about: of one package, or of the gateway itself."""
    tables = context.config.attributes.get("tables")
    return kind != "table" or tables is None or name in tables or (reflected and name not in SQLModel.metadata.tables)


def migrate(connection: Connection) -> None:
    """Runs what Alembic was asked for, in the transaction that `connection` is in."""
    batch = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=batch,
        render_item=render_item,
        include_object=is_compared,
    )
    running, script = context.get_context(), ScriptDirectory.from_config(context.config)
    stored = running.get_current_heads
    # What packages that aren't loaded have left there is left as it is.
    running.get_current_heads = lambda: tuple(each for each in stored() if not is_of_missing(script, each))  # type: ignore[method-assign]
    with context.begin_transaction():
        context.run_migrations()


async def from_the_shell() -> None:
    """Run a developer's `alembic …`, on a connection of its own."""
    async with connected(os.environ.get("GATEWAY_DATABASE_URL", "sqlite:///gateway.db")) as run:
        await run(migrate)


if context.config.attributes.get("connection") is None:
    asyncio.run(from_the_shell())
else:
    migrate(context.config.attributes["connection"])
