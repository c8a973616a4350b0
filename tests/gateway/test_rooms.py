"""One call of REST, seen by a profiler: how often it goes from one room of the code into another, and how many files it passes."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.rest_compat.real import Gateway, gateway

ROOT = f"{Path(__file__).parents[2]}/"
ROOMS = ("gateway", "schema", "rest_compat")
#: Into the process, into REST, to the graph's adapter, into the graph.
READING = ["gateway", "rest_compat", "gateway", "schema"]
#: A write also has its body decoded by the process.
WRITING = ["gateway", "rest_compat", "gateway", "gateway", "schema"]


@dataclass
class Kind:
    """A call, and the most that it may pass."""

    method: str
    rooms: list[str]
    files: int
    body: dict[str, Any] | None = None
    of_record: bool = True


KINDS = {
    "detail": Kind("GET", READING, files=21),
    "list": Kind("GET", READING, files=22, of_record=False),
    "create": Kind("POST", WRITING, files=32, body={"name": "E"}, of_record=False),
    "update": Kind("PATCH", WRITING, files=32, body={"name": "F"}),
    "delete": Kind("DELETE", READING, files=29),
}


class Visits:
    """The rooms that this task entered, each with what was entered there, and the files in which it called anything.

    What a write does in its transaction isn't seen: SQLite's writer has a task of its own.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self.entries: list[str] = []
        self.files: set[str] = set()
        self._seen: set[FrameType] = set()

    def note(self, frame: FrameType, event: str, _: object) -> None:
        room = room_of(frame.f_code)
        # A coroutine that goes on was entered before.
        if event != "call" or room is None or frame in self._seen or asyncio.current_task() is not self._task:
            return
        self._seen.add(frame)
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


async def call(here: Gateway, kind: Kind, record_id: str, account_id: str) -> int:
    """The status of a call to the application itself, without the client's own work."""
    statuses: list[int] = []
    body = json.dumps({**kind.body, "accountId": account_id}).encode() if kind.body else b""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        # The client stays: on a busy machine a call may take so long that it is looked for.
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    headers = [
        (b"host", b"gateway"),
        (b"authorization", here.client.headers["authorization"].encode()),
        (b"content-type", b"application/json"),
    ]
    path = f"/api/opportunities/{record_id}/" if kind.of_record else "/api/opportunities/"
    query = b"limit=20" if kind.method == "GET" and not kind.of_record else b""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": kind.method,
        "path": path,
        "query_string": query,
        "root_path": "",
        "scheme": "http",
    }
    await here.app({**scope, "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}, receive, send)
    return statuses[0]


@pytest.mark.parametrize("name", KINDS)
async def test_rooms_are_entered_once(sqlite_url: str, name: str) -> None:
    """Each room is entered once a call, and left once: what one needs of another it gets in one go. The document names a read's files."""
    kind, statuses = KINDS[name], []
    async with gateway(sqlite_url) as here:
        account = await here.make("/api/accounts/", name="A")
        deals = [await here.make("/api/opportunities/", name="D", accountId=account["id"]) for _ in range(4 if name == "delete" else 1)]
        for turn in range(3):
            statuses.append(await call(here, kind, deals[turn % len(deals)]["id"], account["id"]))
            # The next one is of a new turn of the event loop, as each request is: so it doesn't wait in line.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with watched() as visits:
            statuses.append(await call(here, kind, deals[-1]["id"], account["id"]))
    assert set(statuses) <= {200, 201, 204}
    assert [entry.partition(":")[0] for entry in visits.entries] == kind.rooms, visits.entries
    assert len(visits.files) <= kind.files, sorted(visits.files)
    if kind.method == "GET":
        told = (Path(ROOT) / "docs/architecture.md").read_text("utf-8")
        assert not [file for file in visits.files if f"{Path(file).name}`" not in told]
