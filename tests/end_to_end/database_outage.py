"""A PostgreSQL that goes away, falls silent, or has no connection free: 503, soon, and all well again soon after.

`python -m tests.end_to_end.database_outage --seconds 10` is the long form. A proxy between the gateway and the database cuts the
connections and takes no new ones, or keeps them and passes nothing on; then a lock makes all statements wait until the pool is used up.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.connecting import Streams, drop
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import access, fresh, serving
from tests.end_to_end.http_client import Connections, Told, get, post

PACE = 0.05
SETTINGS = {"pool_size": 4, "pool_timeout": 1.0, "operation_timeout": 5.0, "statement_timeout": 2.0}
GOOD, SHED = {200}, {200, 503, 504}


class Proxy:
    """Passes bytes between a port and the database; `cut` or `mute` while it is to be away.

    After `silence` nothing more passes on the connections that there are; new ones work. `last_word` is the last that passes on a
    connection: the database hears it, and nobody hears the database any more.
    """

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._socket = parse_qs(parts.query).get("host", [""])[0]
        self._host, self._port = parts.hostname or "localhost", parts.port or 5432
        self.user, self.name = parts.username or "postgres", parts.path.lstrip("/")
        self.mute = self.cut = False
        self.last_word = b""
        self._open: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None] | None] = set()

    async def serve(self) -> str:
        """Starts; the database's address by way of the proxy."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"postgresql://{self.user}@127.0.0.1:{port}/{self.name}"

    def away(self, kind: str) -> None:
        """From now on the database is `cut` off, or `mute`."""
        self.cut, self.mute = kind == "cut", kind == "mute"
        if self.cut:
            for writer in self._open:
                writer.transport.abort()

    def back(self) -> None:
        """From now on all is well, but for what was cut: a mute connection's bytes are lost with it."""
        if self.mute:
            for writer in self._open:
                writer.transport.abort()
        self.cut = self.mute = False

    def silence(self) -> None:
        """The connections stay open, and whatever is sent on them is lost."""
        self._silent |= self._open

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        self._passing.add(asyncio.current_task())
        try:
            there, back = await self._database()
            self._open |= {writer, back}
            await asyncio.gather(self._pass(reader, back, writer), self._pass(there, writer, back))
            self._open -= {writer, back}
            self._silent -= {writer, back}
            await drop(back)
        finally:
            await drop(writer)
            self._passing.discard(asyncio.current_task())

    async def _database(self) -> Streams:
        if self._socket:
            return await asyncio.open_unix_connection(f"{self._socket}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, self._port)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, other: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                if not self.mute and sink not in self._silent:
                    sink.write(data)
                if self.last_word and self.last_word in data:
                    self._silent |= {sink, other}
        sink.close()

    async def close(self) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        while self._passing:  # noqa: ASYNC110  they find out by themselves
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class Absence:
    """What was told while the database was away, how long the slowest took, and the seconds until all was well again."""

    kind: str
    statuses: dict[int, int]
    slowest: float
    recovered: float
    after: dict[int, int]
    health: dict[int, int]

    @property
    def faults(self) -> list[str]:
        """Whatever isn't as it should be."""
        bad = [f"told {self.statuses}"] if not self.statuses.keys() <= SHED or 503 not in self.statuses else []
        bad += [f"told afterwards {self.after}"] if self.after.keys() != GOOD else []
        bad += [f"healthz {self.health}"] if self.health.keys() != GOOD else []
        bad += [f"recovered after {self.recovered} s"] if self.recovered > 5 else []
        return [f"{self.kind}: {fault}" for fault in bad]


@dataclass(slots=True)
class Report:
    """An absence of each kind."""

    absences: list[Absence] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [fault for absence in self.absences for fault in absence.faults]


async def ask_steadily(connections: Connections, requests: list[bytes], told: Told, seconds: float) -> None:
    """At an even pace, whether or not there are answers."""
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds / PACE)):
            group.create_task(connections.ask(requests[number % len(requests)], told))
            await asyncio.sleep(PACE)


async def absence(kind: str, connections: Connections, requests: list[bytes], seconds: float, away: AsyncIterator[None]) -> Absence:
    """Asks while the database is away, and then until all is well."""
    told, after, health = Told(), Told(), Told()
    await anext(away)
    asking = asyncio.create_task(ask_steadily(connections, requests, told, seconds))
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        await connections.ask(get("/healthz"), health)
    await asyncio.sleep(max(seconds - int(seconds), 0))
    await anext(away, None)
    began = time.perf_counter()
    well = 0
    while well < len(requests) * 2:
        statuses = [await connections.ask(request, Told()) for request in requests]
        well = well + len(requests) if statuses == [200] * len(requests) else 0
        assert time.perf_counter() - began < 60, statuses
    recovered = round(time.perf_counter() - began, 2)
    await asking
    await ask_steadily(connections, requests, after, 1.0)
    longest = max(max(times) for times in told.seconds.values())
    return Absence(kind, dict(told.statuses), round(longest, 2), recovered, dict(after.statuses), dict(health.statuses))


async def _behind(proxy: Proxy, kind: str) -> AsyncIterator[None]:
    proxy.away(kind)
    yield
    proxy.back()


async def _locked(database_url: str) -> AsyncIterator[None]:
    """Somebody has locked the deals: every statement waits, until it has waited too long."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("BEGIN; LOCK TABLE opportunity IN ACCESS EXCLUSIVE MODE")
    yield
    await connection.close()


@asynccontextmanager
async def proxied(database_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy, and the database's address behind it."""
    proxy = Proxy(database_url)
    address = await proxy.serve()
    try:
        yield proxy, address
    finally:
        await proxy.close()


async def run(database_url: str, folder: Path, *, seconds: float, kinds: tuple[str, ...] = ("cut", "mute", "locked")) -> Report:
    """Absences of so many seconds."""
    report, who = Report(), await access(database_url)
    async with deals(database_url, who) as here:
        rename = {"query": f'mutation {{ updateAccount(id: "{here.account}", input: {{name: "A"}}) {{ account {{ id }} }} }}'}
        await here.create()
    page = post("/graphql", who.token, {"query": "{ opportunities(first: 20) { nodes { id account { name } contacts { id } } } }"})
    requests = [page, get("/api/opportunities/?limit=5", who.token), post("/graphql", who.token, rename)]
    async with (
        proxied(database_url) as (proxy, address),
        serving(address, folder, **SETTINGS) as (gateway,),
        Connections(gateway.address) as connections,
    ):
        for kind in kinds:
            away = _locked(database_url) if kind == "locked" else _behind(proxy, kind)
            asked = requests[:2] if kind == "locked" else requests
            report.absences.append(await absence(kind, connections, asked, seconds, away))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-away-") as name, fresh("postgresql", Path(name)) as url:
        report = asyncio.run(run(url, Path(name), seconds=given.seconds))
    print(json.dumps(asdict(report), indent=2))
    print("\n".join(report.faults), file=sys.stderr)
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
