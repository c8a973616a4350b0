"""The long form: `python -m tests.schema.differential --documents 20000 --walks 4000`, on SQLite and on PostgreSQL in turn."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from gateway.migrations import upgrade
from schema.graph import Graph
from schema.rules import clock
from schema.storage.opening import open_database
from tests.postgres import start_postgres
from tests.schema.dataset import CANARY, World, fill, make_tenant
from tests.schema.differential.compare import NOW, Outcome, compare

SHOWN = 10
DATABASES = ("sqlite", "postgresql")


async def run(url: str, documents: range, walks: range) -> Outcome:
    """Compares the documents and the walks of these seeds on a fresh database."""
    await upgrade(url)
    database = open_database(url, statement_timeout=60)
    await database.open()
    random = Random(documents.start + 7)
    here, there = make_tenant(random, "Here"), make_tenant(random, CANARY, deals=40, mark=CANARY)
    for tenant in (here, there):
        await fill(database, tenant)
    try:
        comparison = await compare(World(database, Graph(database), here, there))
        await comparison.walks(walks)
        return await comparison.documents(documents)
    finally:
        await database.close()


def told(name: str, outcome: Outcome, seconds: float) -> bool:
    """Prints what came of it; whether all is well."""
    counts = ", ".join(f"{count:,} {what}" for what, count in outcome.counts.items())
    print(f"{name}: {len(outcome.different)} different; {counts}; {seconds:.0f} s", flush=True)
    for report in outcome.different[:SHOWN]:
        print(report)
    return not outcome.different and outcome.counts["planned"] > outcome.counts["documents"] // 3


@contextmanager
def address(name: str) -> Iterator[str]:
    """The address of an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "sqlite":
            yield f"sqlite:///{folder}/gateway.db"
            return
        postgres = start_postgres(Path(folder) / "postgres")
        postgres.sql("CREATE DATABASE differential")
        yield postgres.url("differential")
        postgres.stop()


def main() -> int:
    """0 where nothing is answered differently."""
    parser = argparse.ArgumentParser(description="Compares plans, graphql-core and the oracle over drawn documents and walks.")
    parser.add_argument("--documents", type=int, default=20_000, help="how many, on each database")
    parser.add_argument("--walks", type=int, default=4_000, help="how many, on each database")
    parser.add_argument("--seed", type=int, default=1_000_000, help="the first document's and walk's seed")
    parser.add_argument("--database", action="append", choices=DATABASES, help="on which; on both where none is given")
    options = parser.parse_args()
    clock.now = lambda: NOW
    good = True
    for place, name in enumerate(options.database or DATABASES):
        began = time.perf_counter()
        first = options.seed + place * max(options.documents, options.walks)
        with address(name) as url:
            outcome = asyncio.run(run(url, range(first, first + options.documents), range(first, first + options.walks)))
        good = told(name, outcome, time.perf_counter() - began) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
