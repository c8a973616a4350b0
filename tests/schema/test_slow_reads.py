"""SQLite's reads that take longer than the event loop may wait: they go on in a thread, and nothing else is stopped in their stead."""

import pytest

from schema.storage.opening import open_database
from schema.storage.sqlite import driver as sqlite
from schema.storage.sqlite.driver import SqliteDatabase
from tests.schema.conftest import make_world
from tests.schema.dataset import data


async def test_only_statements_are_stopped(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all in the loop all is read in threads; neither BEGIN nor the look for others' commits is interrupted."""
    monkeypatch.setattr(sqlite, "INLINE_SECONDS", -1.0)
    monkeypatch.setattr(sqlite, "_PROGRESS_STEPS", 1)
    database = open_database(sqlite_url)
    assert isinstance(database, SqliteDatabase)
    await database.open()
    try:
        world = await make_world(database)
        for _ in range(3):
            found = await data(world.graph, "{ opportunities { totalCount nodes { contacts { id } } } }", world.here.caller())
            assert found["opportunities"]["totalCount"] == 60
            alone = await data(world.graph, "{ opportunities(first: 100) { totalCount nodes { id } } }", world.here.caller())
            assert len(alone["opportunities"]["nodes"]) == 60
            assert database._data_version() > 0
    finally:
        await database.close()
