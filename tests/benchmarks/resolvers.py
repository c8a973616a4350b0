"""What a field with a resolver costs: a list of 100 deals with it and without, in turn. `python -m tests.benchmarks.resolvers`."""

import asyncio
import tempfile
from random import Random
from time import thread_time

from gateway.migrations import upgrade
from schema.graph import Graph
from schema.storage.opening import open_database
from tests.extensions.deals import extension
from tests.schema.dataset import fill, make_tenant

LIST = (
    "{ opportunities(first: 100) { edges { cursor node { id name value stage probability closeDate account { id name } "
    "assignedTo { id name } contacts { id email } %s } } pageInfo { hasNextPage endCursor } totalCount } }"
)
FIELDS = {
    "": "without",
    "plain": "plain",
    "headline": "plain, with info and three columns",
    "place": "batch",
    "itsAccount { id name }": "a stored record",
    "health { score words }": "an object with a resolver",
    "secret": "with a permission class",
    "slowly": "async, which waits",
}
ROUNDS = 40


async def measure(url: str) -> dict[str, float]:
    """The least microseconds of processor time that each list takes."""
    await upgrade(url)
    database = open_database(url)
    await database.open()
    tenant = make_tenant(Random(7), "Here", deals=300)
    await fill(database, tenant)
    graph = Graph(database, extensions=[extension])
    prepared = {field: graph.prepare(LIST % field) for field in FIELDS}
    least = dict.fromkeys(FIELDS, float("inf"))
    for _ in range(ROUNDS):
        for field, document in prepared.items():
            began = thread_time()
            answer = await graph.run(document, None, tenant.caller())
            answer.encode()
            least[field] = min(least[field], (thread_time() - began) * 1e6)
            assert answer.errors is None, answer.errors
    await database.close()
    return least


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        least = asyncio.run(measure(f"sqlite:///{folder}/measured.db"))
    for field, name in FIELDS.items():
        print(f"{name:36} {least[field]:7.0f} us  {least[''] / least[field]:.2f}")


if __name__ == "__main__":
    main()
