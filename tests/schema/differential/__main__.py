"""The long form: `python -m tests.schema.differential --documents 20000`, on SQLite and on PostgreSQL in turn."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from gateway.migrations import upgrade
from schema.graph import Graph
from schema.rules import clock
from schema.storage.database import open_database
from tests.postgres import start_postgres
from tests.schema.differential.compare import NOW, Comparison, Outcome
from tests.schema.world import CANARY, World, fill, make_tenant

SHOWN = 10


async def compare(url: str, seeds: range) -> Outcome:
    """Compares the documents of `seeds` on a fresh database."""
    await upgrade(url)
    database = open_database(url, statement_timeout=60)
    await database.open()
    random = Random(seeds.start + 7)
    here, there = make_tenant(random, "Here"), make_tenant(random, CANARY, deals=40, mark=CANARY)
    for tenant in (here, there):
        await fill(database, tenant)
    try:
        return await Comparison(World(database, Graph(database), here, there)).run(seeds)
    finally:
        await database.close()


def told(name: str, outcome: Outcome, seconds: float) -> bool:
    """Prints what came of it; whether all is well."""
    counts = ", ".join(f"{count:,} {what}" for what, count in outcome.counts.items())
    print(f"{name}: {len(outcome.different)} different; {counts}; {seconds:.0f} s", flush=True)
    for report in outcome.different[:SHOWN]:
        print(report)
    return not outcome.different and outcome.counts["planned"] > outcome.counts["documents"] // 2


def main() -> int:
    """0 where no document is answered differently."""
    parser = argparse.ArgumentParser(description="Compares plans with graphql-core over drawn documents.")
    parser.add_argument("--documents", type=int, default=20_000, help="how many, half of them on each database")
    parser.add_argument("--seed", type=int, default=1_000_000, help="the first document's seed")
    options = parser.parse_args()
    clock.now = lambda: NOW
    half = options.documents // 2
    good = True
    with tempfile.TemporaryDirectory() as folder:
        postgres = start_postgres(Path(folder) / "postgres")
        postgres.sql("CREATE DATABASE differential")
        urls = {"SQLite": f"sqlite:///{folder}/gateway.db", "PostgreSQL": postgres.url("differential")}
        for place, (name, url) in enumerate(urls.items()):
            began = time.perf_counter()
            seeds = range(options.seed + place * half, options.seed + (place + 1) * half)
            good = told(name, asyncio.run(compare(url, seeds)), time.perf_counter() - began) and good
        postgres.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
