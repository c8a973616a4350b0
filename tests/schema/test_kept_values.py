"""What SQLite's prepared statements keep of the values that they ran with."""

from pathlib import Path

from schema.storage.incoming import INCOMING
from schema.storage.sqlite.driver import SqliteConnection
from schema.storage.sqlite.kept_values import KEPT_BYTES
from schema.storage.statements import Statement
from schema.storage.timing import Timing


async def test_statements_are_dropped_after_large_bodies(tmp_path: Path) -> None:
    """A connection prepares its statements anew when as much came in as they may keep; what came in before it was opened doesn't count."""
    INCOMING.bytes += 2 * KEPT_BYTES
    connection = SqliteConnection(str(tmp_path / "x.db"), Timing())
    prepared: list[str] = []
    connection.raw.set_authorizer(lambda *told: prepared.append(str(told)) or 0)
    statement = Statement("SELECT length(?), 'kept'", ("text",), {}, frozenset())

    async def runs(count: int) -> int:
        prepared.clear()
        for _ in range(count):
            assert await connection.fetch(statement, {"text": "x" * 100_000}) == [(100_000, "kept")]
        return sum("length" in one for one in prepared)

    assert await runs(3) == 1
    INCOMING.bytes += KEPT_BYTES + 1
    assert await runs(1) == 0
    assert await runs(3) == 1
    connection.raw.close()
