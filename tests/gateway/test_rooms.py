"""One call of REST, seen by a profiler: how often it goes from one room of the code into another, and how many files it passes."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.rest_compat.real import Gateway, gateway

ROOT = f"{Path(__file__).parents[2]}/"
ROOMS = ("gateway", "schema", "rest_compat")
#: Into the process, into REST, to the graph's adapter, into the graph.
MOST_ENTRIES = 4
MOST_FILES = {"detail": 21, "list": 22}


class Visits:
    """The rooms entered, each with what was entered there, and the files in which anything was called."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.files: set[str] = set()

    def note(self, frame: FrameType, event: str, _: object) -> None:
        room = room_of(frame.f_code)
        if event != "call" or room is None:
            return
        self.files.add(frame.f_code.co_filename)
        caller = frame.f_back
        while caller is not None and room_of(caller.f_code) is None:
            caller = caller.f_back
        if caller is None or room_of(caller.f_code) != room:
            self.entries.append(f"{room}: {frame.f_code.co_qualname}")


def room_of(code: CodeType) -> str | None:
    """None for files of libraries."""
    room = code.co_filename.removeprefix(ROOT).partition("/")[0]
    return room if room in ROOMS else None


@contextmanager
def watched() -> Iterator[Visits]:
    visits, before = Visits(), sys.getprofile()
    sys.setprofile(visits.note)
    try:
        yield visits
    finally:
        sys.setprofile(before)


async def call(here: Gateway, path: str, query: bytes) -> int:
    """The status of a call to the application itself, without the client's own work."""
    statuses: list[int] = []

    async def receive() -> None:
        # The client stays: on a busy machine a call may take so long that it is looked for.
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    headers = [(b"host", b"gateway"), (b"authorization", here.client.headers["authorization"].encode())]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": query, "root_path": "", "scheme": "http"}
    await here.app({**scope, "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}, receive, send)
    return statuses[0]


@pytest.mark.parametrize("kind", ["detail", "list"])
async def test_rooms_are_entered_once(sqlite_url: str, kind: str) -> None:
    """Each room is entered once a call, and left once: what one needs of another it gets in one go."""
    async with gateway(sqlite_url) as here:
        account = await here.make("/api/accounts/", name="A")
        deal = await here.make("/api/opportunities/", name="D", accountId=account["id"])
        path, query = {"detail": (f"/api/opportunities/{deal['id']}/", b""), "list": ("/api/opportunities/", b"limit=20")}[kind]
        for _ in range(3):
            assert await call(here, path, query) == 200
            # The next one is of a new turn of the event loop, as each request is: so it doesn't wait in line.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with watched() as visits:
            status = await call(here, path, query)
    assert status == 200
    assert len(visits.entries) <= MOST_ENTRIES, visits.entries
    assert [entry.partition(":")[0] for entry in visits.entries] == ["gateway", "rest_compat", "gateway", "schema"]
    assert len(visits.files) <= MOST_FILES[kind], sorted(visits.files)
