"""A world with two workspaces, on each kind of database."""

from random import Random

import pytest

from schema.graph import Graph
from schema.storage.database import Database
from tests.schema.world import CANARY, World, fill, make_tenant


@pytest.fixture
async def world(database: Database) -> World:
    """Sixty deals here, forty there, every text there marked."""
    random = Random(7)
    here, there = make_tenant(random, "Here"), make_tenant(random, CANARY, deals=40, mark=CANARY)
    for tenant in (here, there):
        await fill(database, tenant)
    return World(database, Graph(database), here, there)
