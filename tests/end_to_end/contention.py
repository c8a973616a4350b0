"""Many writers, no error: eight processes that write one SQLite file, and a PostgreSQL that refuses three commits in ten with 40001.

`python -m tests.end_to_end.contention --writes 8000 --database postgresql` is the long form. The refusals are PostgreSQL's own: a deferred
trigger raises them at the commit, and counts them in a sequence, which no rollback takes back.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import text

from schema.storage.database import Connection, Database
from tests.end_to_end.events import table, write
from tests.end_to_end.fleet import access, fresh, opened

PROCESSES = 8
REFUSALS = [
    "CREATE SEQUENCE refused",
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF random() < 0.3 THEN PERFORM nextval('refused'); RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF;
         RETURN NULL; END $$""",
    """CREATE CONSTRAINT TRIGGER refuses AFTER UPDATE ON workspace DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()""",
]
REFUSED = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refused"
PARDON = ["DROP TRIGGER refuses ON workspace", "DROP FUNCTION refuse", "DROP SEQUENCE refused"]


@dataclass(slots=True)
class Report:
    """What was written. `refused` commits were tried again; the last two are 0 or nothing where no client noticed."""

    database: str
    writes: int = 0
    acknowledged: int = 0
    refused: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    lost: int = 0

    @property
    def flawless(self) -> bool:
        return not (self.faults or self.lost)


async def _do(database: Database, statements: list[str]) -> int:
    """Runs each; the first value of the last one's rows, if it has any."""

    async def work(connection: Connection) -> int:
        rows = [await connection.fetch(database.compile(text(statement)), {}) for statement in statements]
        return int(rows[-1][0][0]) if rows[-1] else 0

    return await database.write(work)


async def run(database_url: str, *, writes: int, processes: int = PROCESSES) -> Report:
    """`writes` from all processes at once, and whether each acknowledged one has left its event."""
    kind = database_url.partition(":")[0]
    report, who, began = Report(kind, writes), await access(database_url), time.perf_counter()
    share = writes // processes
    async with opened(database_url) as database:
        if kind == "postgresql":
            await _do(database, REFUSALS)
        results = await asyncio.gather(*(write(database_url, who, share, number, []) for number in range(processes)))
        if kind == "postgresql":
            report.refused = await _do(database, [REFUSED])
            await _do(database, PARDON)
    report.seconds = round(time.perf_counter() - began, 1)
    told = sum((found for found, _ in results), Counter[tuple[str, str]]())
    report.acknowledged = told.total()
    report.faults = [fault for _, faults in results for fault in faults]
    report.lost = (
        told - Counter((event["type"], event["opportunityId"]) for event in await table(database_url, who.caller.workspace_id))
    ).total()
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--writes", type=int, default=8_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-contention-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, writes=given.writes))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
