"""Bad inputs by the thousand, each of a number: the same seed and number make the same input again."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from gateway.seed import SeedSpec, seed
from schema.storage.database import Connection
from tests.end_to_end.fleet import Access, Gateway, access, opened, serving
from tests.end_to_end.fuzz.graph import Graph
from tests.end_to_end.fuzz.invalid_values import Odd
from tests.end_to_end.fuzz.judge import DEFECT, DROPPED, NO_CODE, Heard, Line, first_words, talk
from tests.end_to_end.fuzz.rest import Rest
from tests.end_to_end.fuzz.wire import Wire

#: How often each kind is drawn.
KINDS = {"rest": 8, "graphql": 8, "broken": 2, "streams": 1, "sockets": 2}
BAD_ENDS = {DROPPED, NO_CODE, DEFECT, "1011", "1006"}
AT_ONCE = 16
#: Kinds that come one after the other on one connection.
KEPT = frozenset({"rest", "graphql"})
#: Seconds from which on an answer is slow, and how many of those are told. A socket's silence isn't.
SLOW, _MOST_SLOW = 1.0, 20
#: The opcode of a frame that ends a socket.
CLOSE = 8
#: On a busy machine nothing is to be unavailable because it took long.
_PATIENT = {"queue_timeout": 60, "operation_timeout": 60, "statement_timeout": 30}
#: As many ids of each kind of record are known.
_KNOWN = 40
_TABLES = {"opp": "opportunity", "acc": "account", "con": "contact", "usr": '"user"'}


@dataclass(slots=True)
class Report:
    """What was sent, and what came; `faults` are numbers of inputs with what was wrong."""

    seed: int
    inputs: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    #: Seconds that the slowest took, by their numbers: beside others, so that one that was slow is to be sent alone.
    slowest: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def flawless(self) -> bool:
        return not (self.faults or self.logged)

    def took(self, number: int, seconds: float) -> None:
        if seconds > SLOW:
            self.slowest[number] = round(seconds, 2)
            self.slowest = dict(sorted(self.slowest.items(), key=itemgetter(1), reverse=True)[:_MOST_SLOW])

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "inputs": self.inputs,
            "answers": dict(sorted(self.answers.items())),
            "seconds": self.seconds,
            "slowest": self.slowest,
        }


class Inputs:
    """What is sent for a number."""

    def __init__(self, number: int, token: str, ids: Mapping[str, Sequence[str]]) -> None:
        self.seed = number
        self.odd = Odd(Random(number), ids)
        rest, graph = Rest(self.odd, token), Graph(self.odd)
        self.wire = Wire(self.odd, rest, graph, token)

    def of(self, number: int) -> tuple[str, list[bytes]]:
        """The kind, and the request or the frames."""
        self.odd.random.seed(f"{self.seed} {number}")
        (kind,) = self.odd.random.choices([*KINDS], [*KINDS.values()])
        return kind, list(self._parts(kind))

    def _parts(self, kind: str) -> Iterable[bytes]:
        if kind == "sockets":
            return self.wire.frames()
        if kind == "broken":
            return [self.wire.broken()]
        made = {"rest": self.wire.rest_request, "graphql": self._graphql, "streams": self._stream}[kind]
        head, body = made()
        return [b"\r\n".join([*head, b"", body])]

    def _graphql(self) -> tuple[list[bytes], bytes]:
        return self.wire.graph_request(self.odd.random.choice(("*/*", "application/graphql-response+json", "application/json")))

    def _stream(self) -> tuple[list[bytes], bytes]:
        head, body = self.wire.graph_request("text/event-stream", "qms")
        return [*head, b"connection: close"], body


async def send(kind: str, parts: list[bytes], line: Line, address: str) -> tuple[str, str]:
    """In a word what came, and what is wrong with it."""
    if kind == "sockets":
        end, said = await talk(address, parts)
        # Who closes without a code is answered without one (RFC 6455, section 7.1.5).
        meant = end == NO_CODE and parts[-1][0] & 15 == CLOSE and not parts[-1][1] & 127
        return end, f"{end} {said}" if end in BAD_ENDS and not meant else ""
    heard = await _asked(kind, parts[0], line, address)
    return str(heard.status or "no answer"), heard.fault


async def _asked(kind: str, request: bytes, line: Line, address: str) -> Heard:
    if kind in {"broken", "streams"}:
        return await first_words(address, request, whole=kind == "streams")
    return await line.ask(request)


async def work(inputs: Inputs, numbers: Iterable[int], address: str, report: Report) -> None:
    """Sends as many as there are."""
    line, before = Line(address), -1
    for number in numbers:
        kind, parts = inputs.of(number)
        began = time.perf_counter()
        word, fault = await send(kind, parts, line, address)
        report.took(number, time.perf_counter() - began)
        report.inputs[kind] += 1
        report.answers[f"{kind} {word}"] += 1
        if fault:
            report.faults.append((number, f"{fault} (on its connection after number {before})" if line.used else fault))
        if kind in KEPT:
            before = number
    await line.close()


async def known_ids(database_url: str, workspace_id: str) -> dict[str, list[str]]:
    """Ids of records that there are; the same in each database that is filled alike."""
    async with opened(database_url) as database:

        async def work(connection: Connection) -> dict[str, list[str]]:
            found = {}
            for prefix, table in _TABLES.items():
                clause = text(f"SELECT id FROM {table} WHERE workspace_id = :workspace ORDER BY id LIMIT {_KNOWN}")
                found[prefix] = [row[0] for row in await connection.fetch(database.compile(clause), {"workspace": workspace_id})]
            return found

        return await database.read(work)


async def filled(database_url: str) -> tuple[Access, dict[str, list[str]]]:
    """A key to a database with deals, and their ids."""
    who = await access(database_url)
    await seed(database_url, SeedSpec(workspace="Here", opportunities=200, accounts=40, users=40, contacts=80, seed=1))
    return who, await known_ids(database_url, who.caller.workspace_id)


def logged(gateway: Gateway) -> list[str]:
    """What the gateway itself holds to be an error."""
    lines = gateway.log.read_text("utf-8", "replace").splitlines()
    return [line[:2_000] for line in lines if not line.startswith("{") or json.loads(line).get("level") in {"error", "critical"}]


async def run(database_url: str, folder: Path, numbers: Sequence[int], *, seed: int = 1, show: bool = False) -> Report:
    """The inputs of these numbers, several at once; to be shown they are printed, and come one after the other."""
    report, began = Report(seed), time.perf_counter()
    who, ids = await filled(database_url)
    inputs, left = Inputs(seed, who.token, ids), iter(numbers)
    async with serving(database_url, folder, **_PATIENT) as (gateway,):
        for number in numbers if show else ():
            print(number, *inputs.of(number), sep="\n  ")
        await asyncio.gather(*(work(inputs, left, gateway.address, report) for _ in range(1 if show else AT_ONCE)))
        report.logged = logged(gateway)
    report.seconds = round(time.perf_counter() - began, 1)
    return report
