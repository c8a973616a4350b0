"""A world with two workspaces, on each kind of database."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from schema.graph import Graph
from schema.storage.database import Database
from schema.storage.opening import open_database
from tests.schema.dataset import CANARY, World, fill, make_tenant


async def make_world(database: Database) -> World:
    """Sixty deals here, forty there, every text there marked."""
    random = Random(7)
    here, there = make_tenant(random, "Here"), make_tenant(random, CANARY, deals=40, mark=CANARY)
    for tenant in (here, there):
        await fill(database, tenant)
    return World(database, Graph(database), here, there)


@pytest.fixture
async def world(database: Database) -> World:
    """The world on each kind of database."""
    return await make_world(database)


@pytest.fixture
async def world_on_sqlite(sqlite_url: str) -> AsyncIterator[World]:
    """The world on SQLite alone, for what doesn't depend on the database."""
    database = open_database(sqlite_url)
    await database.open()
    yield await make_world(database)
    await database.close()
