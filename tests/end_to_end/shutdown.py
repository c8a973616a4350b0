"""Stopping and restarting while clients are at it: no request fails, every socket and stream is told.

`python -m tests.end_to_end.shutdown --rounds 20` is the long form: in each round a gateway is stopped (SIGTERM) and one of two workers is
restarted after the other (SIGHUP), with clients, sockets and streams open; and a gateway is stopped, with one process and with two, while
clients without a balancer go on until nobody listens.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.live.messages import SUBPROTOCOL
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import PATIENCE, Access, Gateway, access, fresh, serving
from tests.end_to_end.http_client import REFUSED, Connections, Told, get, post

CLIENTS, SOCKETS, STREAMS = 8, 10, 10
FOLLOW = "subscription { opportunityChanged { type } }"
#: Seconds that a stopping gateway answers on, telling each client to come back on another connection.
DELAY = 1.0
#: Seconds by which the supervisor is late.
LATE = 2.0
#: For both workers to be replaced, on a busy machine too.
RESTART_SECONDS = 150
CLEAN = {"socket 1012", "stream completed"}


@dataclass(slots=True)
class Report:
    """What clients were told. `failed` requests had no answer, or one that isn't theirs; `unclean` sockets and streams were not told."""

    stops: int = 0
    alone: int = 0
    restarts: int = 0
    answered: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    exits: list[int] = field(default_factory=list)
    failed: dict[int, int] = field(default_factory=dict)
    unclean: int = 0

    @property
    def flawless(self) -> bool:
        return not (self.failed or self.unclean) and set(self.exits) <= {0, -signal.SIGTERM}

    def note(self, told: Told, good: set[int]) -> None:
        self.answered += sum(told.statuses[status] for status in good)
        for status, times in told.statuses.items():
            if status not in good:
                self.failed[status] = self.failed.get(status, 0) + times

    def close(self, ends: list[str]) -> None:
        self.ends = dict(Counter(self.ends) + Counter(ends))
        self.unclean += sum(end not in CLEAN for end in ends)


async def socket_end(address: str, who: Access, opened: asyncio.Semaphore) -> str:
    """What a subscriber's socket ends with. One that a worker of the stop before has taken, and closes as it ends, is opened again."""
    follows = False
    async for connection in connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL]):  # type: ignore[list-item]
        try:
            await connection.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {who.token}"}}))
            await connection.recv()
            await connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}}))
            follows = True
            opened.release()
            while True:
                await connection.recv()
        except ConnectionClosed as end:
            if follows:
                return f"socket {end.rcvd.code}" if end.rcvd else "socket dropped"
    raise AssertionError("connecting ends only with an error")


async def stream_end(address: str, who: Access, opened: asyncio.Semaphore) -> str:
    """What a subscriber's stream ends with."""
    headers = {**who.headers, "accept": "text/event-stream"}
    last = ""
    async with httpx.AsyncClient(timeout=60) as client:
        try:
            async with client.stream("POST", f"http://{address}/graphql", json={"query": FOLLOW}, headers=headers) as response:
                opened.release()
                async for text in response.aiter_text():
                    last += text
        except httpx.TransportError as error:
            return f"stream {type(error).__name__}"
    return "stream completed" if last.endswith("event: complete\ndata:\n\n") else "stream cut"


async def followers(address: str, who: Access) -> list["asyncio.Task[str]"]:
    """Sockets and streams, all open."""
    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(socket_end(address, who, opened)) for _ in range(SOCKETS)]
    tasks += [asyncio.create_task(stream_end(address, who, opened)) for _ in range(STREAMS)]
    async with asyncio.timeout(PATIENCE):
        for _ in tasks:
            await opened.acquire()
    return tasks


async def ask_on(connections: Connections, requests: list[bytes], told: Told, ready: asyncio.Event) -> None:
    """A client that asks and asks until the gateway isn't `ready` any more, as a balancer's are."""
    while ready.is_set():
        for request in requests:
            await connections.ask(request, told)


async def _balancer(connections: Connections, ready: asyncio.Event) -> None:
    """Looks at `/readyz` ever so often."""
    while await connections.ask(get("/readyz"), Told()) == 200:  # noqa: ASYNC110  a process tells it in no other way
        await asyncio.sleep(0.05)
    ready.clear()


async def stop(gateway: Gateway, who: Access, requests: list[bytes], report: Report) -> None:
    """SIGTERM while everything is open; clients stop asking when the gateway says that it isn't ready."""
    told, ready = Told(), asyncio.Event()
    ready.set()
    open_ones = await followers(gateway.address, who)
    async with Connections(gateway.address) as connections:
        asking = [asyncio.create_task(ask_on(connections, requests, told, ready)) for _ in range(CLIENTS)]
        asking.append(asyncio.create_task(_balancer(connections, ready)))
        await asyncio.sleep(0.3)
        report.exits.append(await gateway.end())
        await asyncio.gather(*asking)
    report.note(told, {200, 201})
    report.close(await asyncio.gather(*open_ones))
    report.stops += 1


async def ask_until_gone(gateway: Gateway, requests: list[bytes], told: Told, *, kept: bool) -> None:
    """A client without a balancer: asks, on a new connection each time or on a `kept` one, until nobody listens any more."""
    async with Connections(gateway.address) as connections:
        while True:
            for request in requests:
                if await connections.ask(request, told) == REFUSED:
                    return
                if not kept:
                    await connections.close()


async def stop_alone(gateway: Gateway, requests: list[bytes], report: Report, signalled: Callable[[Gateway], None]) -> None:
    """SIGTERM, and nobody tells the clients: those who get a connection are answered on it."""
    told = Told()
    asking = [asyncio.create_task(ask_until_gone(gateway, requests, told, kept=bool(each % 2))) for each in range(CLIENTS)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(signalled, gateway)
    report.exits.append(await asyncio.to_thread(gateway.process.wait, RESTART_SECONDS))
    await asyncio.gather(*asking)
    report.note(told, {200, 201, REFUSED})
    report.alone += 1


async def restart(gateway: Gateway, who: Access, requests: list[bytes], report: Report) -> None:
    """SIGHUP: each worker is replaced while clients go on; a socket or stream ends with its worker."""
    told, ready = Told(), asyncio.Event()
    ready.set()
    open_ones = await followers(gateway.address, who)
    async with Connections(gateway.address) as connections:
        asking = [asyncio.create_task(ask_on(connections, requests, told, ready)) for _ in range(CLIENTS)]
        gateway.process.send_signal(signal.SIGHUP)
        report.close(await asyncio.wait_for(asyncio.gather(*open_ones), RESTART_SECONDS))
        await asyncio.sleep(0.3)
        ready.clear()
        await asyncio.gather(*asking)
    report.note(told, {200, 201})
    report.restarts += 1


def one(gateway: Gateway) -> None:
    """A signal to the process that was started, as a container's end is."""
    gateway.process.send_signal(signal.SIGTERM)


def whole_group(gateway: Gateway) -> None:
    """A signal to the workers too, as systemd sends it."""
    os.killpg(gateway.process.pid, signal.SIGTERM)


def late_supervisor(gateway: Gateway) -> None:
    """A signal to all, of which the supervisor knows a while later than the workers, as on a busy machine."""
    gateway.process.send_signal(signal.SIGSTOP)
    whole_group(gateway)
    time.sleep(LATE)
    gateway.process.send_signal(signal.SIGCONT)


async def run(database_url: str, folder: Path, *, rounds: int) -> Report:
    """So many stops of a process, and restarts of workers."""
    report, who = Report(), await access(database_url)
    async with deals(database_url, who) as here:
        body = {"name": "Deal", "accountId": here.account}
    page = post("/graphql", who.token, {"query": "{ opportunities(first: 20) { nodes { id name } } }"})
    requests = [page, get("/api/opportunities/?limit=5", who.token), post("/api/opportunities/", who.token, body)]
    for _ in range(rounds):
        async with serving(database_url, folder, shutdown_delay=DELAY) as (gateway,):
            await stop(gateway, who, requests, report)
    for workers, signalled in [(1, one), (2, whole_group), (2, late_supervisor)] * rounds:
        async with serving(database_url, folder, workers=workers) as (gateway,):
            await stop_alone(gateway, requests, report, signalled)
    async with serving(database_url, folder, shutdown_delay=DELAY, workers=2) as (gateway,):
        for _ in range(rounds):
            await restart(gateway, who, requests, report)
        report.exits.append(await gateway.end())
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-shutdown-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, Path(name), rounds=given.rounds))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
