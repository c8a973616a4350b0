"""What a request takes inside the process, without server, kernel and wire: its time, SQLite's part of it, its statements alone, its calls.

Floor and gateway are called in turn, in one thread, pinned like a server. A statement takes longer within a request than alone, the
longer the more memory the code around it touches: that difference is shown by the columns side by side.
"""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import orjson
import uvloop

from gateway.app import Application, create_app
from gateway.observability import logs
from gateway.serving import GENERATION_0
from gateway.settings import Settings
from schema.storage.sqlite import driver as sqlite
from schema.storage.sqlite.driver import SqliteConnection, SqliteDatabase
from schema.storage.statements import Statement

from .contenders.catalog import ROOT, gateway_url
from .contenders.floor import bare
from .contenders.floor.queries import Floor
from .data import Data, sqlite_data
from .machine import SERVER_CORE, pinned
from .report import Section, table
from .rounds import Effort, say
from .servers import ServerFault, token
from .workloads import WORKLOADS, Request

_LISTS = ("W1", "W2", "W6")
_DETAILS = ("W3", "W7")
_SECONDS = 0.1
"""Of calls, a round."""
_TIMES = 4
"""As many rounds as of a contender under load: these are short."""
_MOST = 500
"""Different requests."""
_LOOKED_AT = 20
"""Requests whose statements and calls are looked at one by one."""

App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(slots=True)
class _Statements:
    """SQLite's part: microseconds, and each statement with its binds."""

    microseconds: float = 0.0
    heard: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    def timed(self, run: Callable[[], Any], text: str, binds: Sequence[Any]) -> Any:
        """What `run` gives."""
        began = time.thread_time()
        rows = run()
        self.microseconds += (time.thread_time() - began) * 1e6
        self.heard.append((text, tuple(binds)))
        return rows


@dataclass(slots=True)
class _Side:
    """A contender within this process."""

    name: str
    app: App
    token: str
    execute: Callable[..., Any]
    listening: Callable[[_Statements], AbstractContextManager[None]]
    """A context in which SQLite's part is noted."""

    async def call(self, request: Request) -> None:
        """One request, as a server calls the application. Raises AssertionError where the answer is an error."""
        path, _, query = request.path.partition("?")
        body = request.body.encode()
        headers = {"host": "127.0.0.1:8000", "authorization": f"Bearer {self.token}", "accept": "application/json"}
        if body:
            headers |= {"content-type": "application/json", "content-length": str(len(body))}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": request.method,
            "path": path,
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8000),
        }

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            assert message.get("status", 200) < 400, message

        await self.app(scope, receive, send)

    async def times(self, requests: Sequence[Request], seconds: float) -> float:
        """Microseconds of the processor a request."""
        count, began = 0, time.thread_time()
        while (taken := time.thread_time() - began) < seconds:
            await self.call(requests[count % len(requests)])
            count += 1
            # As often as a server's loop turns, with eight at once.
            if count % 8 == 0:
                await asyncio.sleep(0)
        return taken / count * 1e6

    async def sqlite(self, requests: Sequence[Request]) -> float:
        """Microseconds a request in SQLite, while all the rest is done, too."""
        looked_at = requests[:_LOOKED_AT] if len(requests) >= _LOOKED_AT else requests * _LOOKED_AT
        with self.listening(statements := _Statements()):
            for request in looked_at:
                await self.call(request)
        return statements.microseconds / len(looked_at)

    async def alone(self, requests: Sequence[Request]) -> float:
        """Microseconds that the statements of a request take by themselves, again and again."""
        looked_at = requests[:_LOOKED_AT]
        with self.listening(statements := _Statements()):
            for request in looked_at:
                await self.call(request)
        began = time.thread_time()
        for _ in range(_TIMES):
            for text, binds in statements.heard:
                self.execute(text, binds).fetchall()
        return (time.thread_time() - began) * 1e6 / len(looked_at) / _TIMES

    async def calls(self, requests: Sequence[Request]) -> int:
        """Functions called a request, Python's and C's."""
        count = 0

        def note(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal count
            count += event in {"call", "c_call"}

        looked_at = requests[:_LOOKED_AT]
        for request in looked_at:
            sys.setprofile(note)
            await self.call(request)
            sys.setprofile(None)
        return round(count / len(looked_at))


@dataclass(slots=True)
class _Taken:
    """Microseconds a request, and calls."""

    whole: list[float] = field(default_factory=list)
    sqlite: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    calls: int = 0


def inside(rows: int, effort: Effort) -> Section:
    """Raises ServerFault."""
    say("inside: what a request takes within the process")
    data = sqlite_data(rows)
    with data.lend("inside-floor", ()) as floor, data.lend("inside-gateway", ()) as gateway:
        arguments = [str(rows), str(effort.rounds), floor, gateway, token(gateway)]
        command = [*pinned(SERVER_CORE), sys.executable, "-m", "tests.benchmarks.inside", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise ServerFault(f"inside: {done.stderr[-2_000:].decode()}")
    found = orjson.loads(done.stdout)
    return Section("Inside a request", list(_lines(found)), raw=found)


def _lines(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "Called within one process, without server, kernel and wire: microseconds of the processor a request, SQLite's part of them, and"
    yield "what the same statements take alone, again and again, each the least of its rounds; and how many functions are called:"
    yield ""
    rows = (
        [f"{name}, {side}", f"{min(one['whole']):.0f}", f"{min(one['sqlite']):.0f}", f"{min(one['alone']):.0f}", str(one["calls"])]
        for name, sides in found.items()
        for side, one in sides.items()
    )
    yield from table(["", "whole µs", "in SQLite µs", "its statements alone µs", "calls"], rows)


def main() -> None:
    """Prints what was found as JSON."""
    rows, rounds, floor, gateway, key = sys.argv[1:]
    data = sqlite_data(int(rows))
    # All in this thread, to be measured: a server sends what is slow to another one.
    sqlite.INLINE_SECONDS = 60.0
    found: dict[str, dict[str, _Taken]] = {}
    for counting in (True, False):
        settings = Settings(database_url=gateway_url(gateway), log_format="json", count_cache=0 if counting else 10_000)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found |= runner.run(_found(_Place(floor, settings, key, data), int(rounds), counting=counting))
    sys.stdout.buffer.write(orjson.dumps(found))


@dataclass(frozen=True, slots=True)
class _Place:
    floor: str
    settings: Settings
    token: str
    data: Data


async def _found(place: _Place, rounds: int, *, counting: bool) -> dict[str, dict[str, _Taken]]:
    logs.configure(place.settings)
    app = create_app(place.settings)
    async with app.lifespan(None):
        gc.collect()
        gc.freeze()
        gc.set_threshold(GENERATION_0, *gc.get_threshold()[1:])
        sides = [_floor(place), _gateway(place, app)]
        names = (*_LISTS, *_DETAILS) if counting else _LISTS
        how = ", counting" if counting else ", count cached"
        return {
            name + (how if name in _LISTS else ""): await _compared(sides, WORKLOADS[name].requests(place.data.sample)[:_MOST], rounds)
            for name in names
        }


def _floor(place: _Place) -> _Side:
    app = bare.App(Floor(place.floor, place.data.workspace))
    run = app.floor.run

    @contextmanager
    def listening(statements: _Statements) -> Iterator[None]:
        def timed(text: str, binds: Any = ()) -> _Rows:
            return _Rows(statements.timed(lambda: run(text, binds).fetchall(), text, binds))

        app.floor.run = timed  # type: ignore[assignment]
        yield
        app.floor.run = run

    return _Side("floor", app, place.token, run, listening)


class _Rows(list[Any]):
    """Rows that were fetched, as a cursor gives them."""

    def fetchall(self) -> Any:
        return self

    def fetchone(self) -> Any:
        return self[0] if self else None


def _gateway(place: _Place, app: Application) -> _Side:
    rows = SqliteConnection._rows

    @contextmanager
    def listening(statements: _Statements) -> Iterator[None]:
        def timed(connection: SqliteConnection, statement: Statement, values: Mapping[str, Any]) -> Any:
            return statements.timed(lambda: rows(connection, statement, values), statement.text, statement.bind(values))

        with patch.object(SqliteConnection, "_rows", timed):
            yield

    assert isinstance(app.database, SqliteDatabase)
    return _Side("gateway", app, place.token, app.database._inline.raw.execute, listening)


async def _compared(sides: Sequence[_Side], requests: Sequence[Request], rounds: int) -> dict[str, _Taken]:
    found = {side.name: _Taken() for side in sides}
    for side in sides:
        await side.times(requests, _SECONDS)
    for _ in range(rounds * _TIMES):
        for side in sides:
            taken = found[side.name]
            taken.whole.append(await side.times(requests, _SECONDS))
            taken.sqlite.append(await side.sqlite(requests))
            taken.alone.append(await side.alone(requests))
    for side in sides:
        found[side.name].calls = await side.calls(requests)
    return found


if __name__ == "__main__":
    main()
