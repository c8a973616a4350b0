"""No write is acknowledged before SQLite's log is on the disk: the gateway's system calls, read in order.

`python -m tests.end_to_end.fsync --writes 2000` is the long form. strace (Linux) tells when a request was read, when an fdatasync of
the log began and ended, and when the answer was written; writes that wait together may share one.
"""

import argparse
import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import access, fresh, serving

CLIENTS = 8
WRITES = {"write", "writev"}
CALL = re.compile(
    r"(?P<thread>\d+) +"
    r"(?:<\.\.\. \w+ resumed>|(?P<call>read|writev?|fdatasync|fsync)\(\d+<(?P<target>.*?)>(?=[,) ])"
    r"(?:, (?:\[\{iov_base=)?\"(?P<data>.*?)\")?)"
    r"(?P<rest>.*)"
)


@dataclass(slots=True)
class Report:
    """What was written. `unsynced` answers were written before what they tell was on the disk."""

    acknowledged: int = 0
    syncs: int = 0
    unsynced: int = 0


def can_trace() -> bool:
    """Whether there is an strace, and it may trace."""
    return shutil.which("strace") is not None and subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


@asynccontextmanager
async def traced(process_id: int, output: Path) -> AsyncIterator[None]:
    """Writes the process's reads, writes and syncs down, in order."""
    calls = "trace=read,write,writev,fdatasync,fsync"
    command = ["strace", "-f", "-yy", "-s", "16", "-e", calls, "-o", str(output), "-p", str(process_id)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    # It says that it is attached.
    await process.stderr.readline()
    try:
        yield
    finally:
        process.terminate()
        await process.communicate()


def compare(lines: Iterable[str]) -> Report:
    """Counts the answers to writes before which no sync of the log began and ended since their request was read."""
    report, asked, begun = Report(), dict[str, int](), dict[str, tuple[str, str, int]]()
    synced = -1
    for place, line in enumerate(lines):
        match = CALL.match(line)
        if match is None:
            continue
        thread, call, target, data, rest = match.group("thread", "call", "target", "data", "rest")
        start = place
        if call is None:
            call, target, start = begun.pop(thread, ("", "", place))
        elif rest.endswith("<unfinished ...>"):
            begun[thread] = call, target, place
            if call not in WRITES:
                continue
        if call in {"fdatasync", "fsync"} and target.endswith("-wal"):
            synced = max(synced, start)
            report.syncs += 1
        elif call == "read" and target.startswith("TCP") and " = -1" not in rest:
            asked[target] = place
        elif call in WRITES and data and data.startswith("HTTP/1.1 201"):
            report.acknowledged += 1
            report.unsynced += synced < asked[target]
    return report


async def run(database_url: str, folder: Path, *, writes: int) -> Report:
    """`writes` new deals by several clients, through REST."""
    who = await access(database_url)
    async with deals(database_url, who) as here:
        account = here.account
    async with (
        serving(database_url, folder) as (gateway,),
        httpx.AsyncClient(base_url=gateway.url, headers=who.headers) as http,
        traced(gateway.process.pid, folder / "calls.txt"),
    ):

        async def client(number: int) -> None:
            for _ in range(writes // CLIENTS):
                made = await http.post("/api/opportunities/", json={"name": f"Deal of {number}", "accountId": account})
                assert made.status_code == 201, made.text

        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    with (folder / "calls.txt").open() as lines:
        return compare(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=2_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-synced-") as name, fresh("sqlite", Path(name)) as url:
        report = asyncio.run(run(url, Path(name), writes=given.writes))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(report.unsynced > 0 or report.acknowledged == 0)


if __name__ == "__main__":
    main()
