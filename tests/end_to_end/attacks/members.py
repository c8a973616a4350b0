"""What whoever has a token may do, a viewer's too."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from itertools import count

from tests.connecting import Streams, beside, connected
from tests.end_to_end.attacks.strangers import PATIENCE, answer, socket
from tests.end_to_end.attacks.target import Target
from tests.end_to_end.http_client import Connections, Told, post

#: A page within a page, with each text 28 times: 560 MB.
LONG_TEXTS = (
    "query($a: ID!) { opportunities(first: 20, filter: {accountId: {eq: $a}}) { nodes { account { opportunities(first: 100) { nodes { "
    + " ".join(f"d{place}: description" for place in range(28))
    + " } } } } } }"
)
#: Nine megabytes, which is allowed.
NEARLY_TOO_LARGE = (
    "query($a: ID!) { opportunities(first: 100, filter: {accountId: {eq: $a}}) { nodes { "
    + " ".join(f"d{place}: description" for place in range(9))
    + " } } }"
)
HISTORIES = "query($a: ID!) { opportunities(first: 100, filter: {accountId: {eq: $a}}) { nodes { stageHistory { from to at } } } }"
TYPES = "__schema { types { name fields { name args { name } type { name ofType { name ofType { name } } } } } }"
DEAREST = """query($ids: [ID!]!) { nodes(ids: $ids) {
  ... on Account { opportunities(first: 100) { nodes { contacts { id } } } }
  ... on Opportunity { account { id } assignedTo { id } } } }"""
FILTERED = "query($f: OpportunityFilter) { opportunities(filter: $f) { totalCount } }"
FOLLOW = "subscription($f: OpportunityFilter) { opportunityChanged(filter: $f) { cursor opportunity { description } } }"


async def told(target: Target, requests: Iterable[bytes], at_once: int = 8) -> Counter[str]:
    """The statuses of the answers to requests, so many at once, read to their ends."""
    left, heard = iter(requests), Told()
    async with Connections(target.address) as connections:

        async def one() -> None:
            for request in left:
                await connections.ask(request, heard)

        async with asyncio.timeout(PATIENCE * 6):
            await asyncio.gather(*(one() for _ in range(at_once)))
    return Counter({str(status): times for status, times in heard.statuses.items()})


def query(token: str, document: str, **variables: object) -> bytes:
    """A request whose status tells whether it was refused."""
    head, body = post("/graphql", token, {"query": document, "variables": variables}).split(b"\r\n\r\n", 1)
    return head + b"\r\naccept: application/graphql-response+json\r\n\r\n" + body


async def long_texts(target: Target, scale: float) -> Counter[str]:
    """V1: answers of hundreds of megabytes, for a cost that is allowed."""
    return await told(target, [query(target.viewer, LONG_TEXTS, a=target.account)] * max(1, int(3 * scale)), at_once=1)


async def slow_readers(target: Target, scale: float) -> Counter[str]:
    """V2: answers just below the limit, and far above it, to readers that take 64 KB a second."""

    async def one(document: str) -> str:
        async with connected(target.address, limit=16_384) as streams:
            status = await answer(streams, query(target.viewer, document, a=target.account))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20 * scale):
                    while await streams[0].read(16_384):  # noqa: ASYNC110  this is how slow it is
                        await asyncio.sleep(0.25)
        return status

    documents = [LONG_TEXTS] * 8 + [NEARLY_TOO_LARGE] * int(32 * scale)
    return Counter(await asyncio.gather(*(one(document) for document in documents)))


async def histories(target: Target, scale: float) -> Counter[str]:
    """V3: a hundred deals with five thousand steps each."""
    return await told(target, [query(target.viewer, HISTORIES, a=target.account)] * max(1, int(4 * scale)), at_once=2)


async def introspection(target: Target, scale: float) -> Counter[str]:
    """V4: `__schema` twenty times over, in another document each time."""
    documents = (f"{{ {' '.join(f'a{turn}_{place}: {TYPES}' for place in range(10))} }}" for turn in range(int(10 * scale)))
    return await told(target, (query(target.viewer, document) for document in documents), at_once=2)


async def aggregates(target: Target, scale: float) -> Counter[str]:
    """V5: twenty pipelines of a past day, and twenty summaries, in one operation."""
    summary = (
        'opportunities(first: 1, filter: {name: {contains: "%s"}}) { summary { count totalValue weightedValue averageValue winRate } }'
    )
    requests = []
    for turn in range(int(10 * scale)):
        days = " ".join(f'a{place}: pipeline(asOf: "2025-0{1 + turn % 9}-{10 + place}") {{ count averageAgeDays }}' for place in range(20))
        sums = " ".join(f"a{place}: {summary % f'{turn}{place}'}" for place in range(20))
        requests += [query(target.viewer, f"{{ {days} }}"), query(target.viewer, f"{{ {sums} }}")]
    return await told(target, requests, at_once=4)


async def _follow(streams: Streams, token: str, filters: Iterable[object]) -> None:
    """A socket with a subscription for each filter."""
    await socket(streams)
    _say(streams, {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    for number, chosen in enumerate(filters):
        _say(streams, {"type": "subscribe", "id": str(number), "payload": {"query": FOLLOW, "variables": {"f": chosen}}})


def _say(streams: Streams, message: object) -> None:
    data = json.dumps(message).encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    streams[1].write(b"\x81" + length + bytes(4) + data)


async def _swallow(streams: Streams) -> None:
    while await streams[0].read(262_144):
        pass


async def subscriptions(target: Target, scale: float) -> Counter[str]:
    """V6: 6 sockets with 50 subscriptions each, of other variables, to a deal with a long text that is changed 180 times."""
    number = count(1)
    async with AsyncExitStack() as stack:
        for _ in range(int(6 * scale) + 1):
            streams = await stack.enter_async_context(connected(target.address))
            await _follow(streams, target.viewer, ({"value": {"gte": -next(number)}} for _ in range(50)))
            await stack.enter_async_context(beside(_swallow(streams)))
        await asyncio.sleep(1)
        document = "mutation($id: ID!, $v: Money) { updateOpportunity(id: $id, input: {value: $v}) { userErrors { message } } }"
        changes = (query(target.admin, document, id=target.deal, v=turn) for turn in range(int(180 * scale)))
        return await told(target, changes, at_once=1)


async def blanks(target: Target, scale: float) -> Counter[str]:
    """V7: 10,500 requests with 50 KB of blanks before the token, of another length each time."""
    head = b"GET /api/opportunities/?limit=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer"
    token = target.viewer.encode()
    requests = (head + b" " * (40_000 + number) + token + b"\r\n\r\n" for number in range(int(10_500 * scale)))
    return await told(target, requests, at_once=4)


async def filters(target: Target, scale: float) -> Counter[str]:
    """R6: filters of 62,500 empty nodes, another one each time, and the small one that was a fault on SQLite."""
    small = {"or": [{"or": [{"or": []}] * 250}] * 4}
    large = ({"or": [{"or": [{"or": []}] * (250 - turn % 9)}] * (240 + turn // 9)} for turn in range(int(20 * scale)))
    return await told(target, (query(target.viewer, FILTERED, f=each) for each in [small, *large]), at_once=2)


async def dearest(target: Target, scale: float) -> Counter[str]:
    """R7: a hundred accounts by id, with a hundred deals and their contacts each, where a cheaper branch gave the cost."""
    return await told(target, [query(target.viewer, DEAREST, ids=target.accounts)] * max(1, int(4 * scale)), at_once=2)


PAGE = (
    "opportunities(first: 1, filter: {name: {contains: $text}}) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    " edges { cursor node { id name value stage description account { id name } contacts { id email } assignedTo { id name }"
    " stageHistory { from to at } } } }"
)
BELOW = "account { ...A%s } contacts { ...C%s } assignedTo { account { ...A%s } }"
LEVEL = """
  fragment A%s on Account { opportunities(first: 1) { nodes { ...O%s } } }
  fragment C%s on Contact { account { ...A%s } opportunities(first: 1) { nodes { ...O%s } } }
  fragment O%s on Opportunity { %s }"""


def _large_document(number: int) -> str:
    """Nearly as many tokens as a document may have: a page of deals, ten times over."""
    return f"query Q{number}($text: String) {{ {' '.join(f'a{place}: {PAGE}' for place in range(10))} }}"


def _spread_document(number: int) -> str:
    """A small document whose fragments, spread within each other twenty times, make thousands of fields."""
    levels = [LEVEL % (level, level - 1, level, level - 1, level - 1, level, BELOW % ((level - 1,) * 3)) for level in range(1, 4)]
    ends = "fragment A0 on Account { id } fragment C0 on Contact { id } fragment O0 on Opportunity { id }"
    roots = " ".join(f"b{place}: opportunities(first: 1) {{ nodes {{ {BELOW % (3, 3, 3)} }} }}" for place in range(20))
    return f"query Q{number} {{ {roots} }} {ends} {' '.join(levels)}"


async def documents(target: Target, scale: float) -> Counter[str]:
    """D1: 800 documents, another one each time, from 100 clients."""
    texts = (_large_document(number) if number % 4 else _spread_document(number) for number in range(int(800 * scale)))
    return await told(target, (query(target.viewer, text) for text in texts), at_once=100)


async def padded(target: Target, scale: float) -> Counter[str]:
    """D5: 400 new, invalid documents in bodies of 900 KB, from 8 clients."""
    padding = "p" * 900_000
    texts = (f"{{ nope{number} }}" for number in range(int(400 * scale)))
    return await told(target, (query(target.viewer, text, padding=padding) for text in texts))


async def deep(target: Target, scale: float) -> Counter[str]:
    """D2: the schema as deep as it may be asked for, ten times at once, in another document each time."""
    inner = "fields { name type { name } args { name } }"
    levels = f"fields {{ type {{ {inner} ofType {{ {inner} ofType {{ {inner} }} }} }} }}"
    aliased = " ".join(f"a{place}: {levels}" for place in range(15))
    texts = (f"query Q{number} {{ __schema {{ types {{ {aliased} n{number}: name }} }} }}" for number in range(int(40 * scale)))
    return await told(target, (query(target.viewer, text) for text in texts), at_once=10)


async def shapes(target: Target, scale: float) -> Counter[str]:
    """D4: one document with twenty lists by a filter, which has another shape each time, from 100 clients."""
    page = "opportunities(first: 1, filter: $f) { totalCount pageInfo { hasPreviousPage } summary { count } nodes { id } }"
    document = f"query($f: OpportunityFilter) {{ {' '.join(f'a{place}: {page}' for place in range(20))} }}"
    operators = [{"name": {"contains": "a"}}, {"value": {"gte": 5}}, {"value": {"isNull": True}}, {"source": {"eq": "Web"}}]
    filters = ({"and": [operators[number // 4**place % 4] for place in range(16)]} for number in range(int(400 * scale)))
    return await told(target, (query(target.viewer, document, f=each) for each in filters), at_once=100)


async def many_slow_readers(target: Target, scale: float) -> Counter[str]:
    """D3: answers of several megabytes, eight at once and again and again, to readers that take 64 KB a second."""

    async def one(turn: int) -> str:
        async with connected(target.address, limit=16_384) as streams:
            status = await answer(streams, query(target.viewer, f"{NEARLY_TOO_LARGE} # {turn}", a=target.account))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 + 3 * scale):
                    while await streams[0].read(16_384):  # noqa: ASYNC110  this is how slow it is
                        await asyncio.sleep(0.25)
        return status

    ends = Counter[str]()
    for turn in range(max(1, int(4 * scale))):
        ends.update(await asyncio.gather(*(one(turn) for _ in range(8))))
    return ends
