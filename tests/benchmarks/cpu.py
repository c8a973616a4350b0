"""CPU a request, of an older state of the code and of this one in turn: `make cpu OLD=<commit>`.

The older one is checked out beside this one and run by the same Python. Each fills, migrates and serves a database of its own by its own
command line; both are sent the same by wrk, in rounds old, new, old, new … What is told is the time that the server's process, with all its
threads, spent on a core, divided by the requests: waiting for a disk, a database or a busy machine doesn't count.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles

from .agreement import disagreements
from .contenders.catalog import CONTENDERS, ROOT, Contender, gateway_url
from .data import FOLDER, Data, postgresql_of, sqlite_of, version
from .load import LoadFault, write_requests
from .machine import LOAD_CORE, pin
from .report import table
from .rounds import Effort, Lane, Measured, measured, say
from .servers import Server, ServerFault, command_line, running, token
from .workloads import WORKLOADS, Workload

_REQUESTS = tuple(name for name, workload in WORKLOADS.items() if not workload.beside)
#: Of what the old state spends on a request, over what the new one does.
LEAST = 0.97

Fill = Callable[[Path], Data]


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A commit's files in a folder of their own. Raises ServerFault where there is no such commit."""
    with tempfile.TemporaryDirectory(prefix="gateway-old-") as name:
        folder = Path(name) / "old"
        git = ["git", "-C", str(ROOT), "worktree"]
        added = subprocess.run([*git, "add", "--detach", str(folder), commit], capture_output=True, text=True)  # noqa: PLW1510  told below
        if added.returncode:
            raise ServerFault(f"{commit}: {added.stderr}")
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _seed(root: Path, url: str, rows: int) -> None:
    command_line(root, "migrate", "--database-url", url)
    command_line(root, "seed", "--opportunities", str(rows), "--contacts", str(rows // 5), "--database-url", url)


def _with_token(root: Path, database: str, data: Data) -> Data:
    """Its copies know the token, so that none has to be made for each."""
    return replace(data, token=token(database, root))


@contextmanager
def sqlite(rows: int) -> Iterator[Fill]:
    """Files, kept for the next time."""
    FOLDER.mkdir(exist_ok=True)

    def fill(root: Path) -> Data:
        original = FOLDER / f"cpu-{rows}-{version(root)}.db"
        if not original.exists():
            part = original.with_suffix(".part")
            part.unlink(missing_ok=True)
            _seed(root, gateway_url(str(part)), rows)
            part.rename(original)
        return _with_token(root, str(original), sqlite_of(original, rows))

    yield fill


@contextmanager
def postgresql(rows: int) -> Iterator[Fill]:
    """Databases of a server that is gone afterwards, on the load's core."""
    from tests.postgres import start_postgres  # noqa: PLC0415  a package that only these runs need

    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
    server = start_postgres(folder)
    pin(int((folder / "postmaster.pid").read_text().split()[0]), LOAD_CORE)

    def fill(root: Path) -> Data:
        name = f"cpu_{'new' if root == ROOT else 'old'}"
        server.sql(f"CREATE DATABASE {name}")
        _seed(root, server.url(name), rows)
        return _with_token(root, server.url(name), postgresql_of(server, name, rows))

    try:
        yield fill
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


DATABASES: Mapping[str, Callable[[int], AbstractContextManager[Fill]]] = {"sqlite": sqlite, "postgresql": postgresql}


@dataclass(frozen=True, slots=True)
class Side:
    """A state of the code, and the data that it made."""

    contender: Contender
    data: Data

    def lane(self, server: Server, workload: Workload) -> Lane:
        name = self.contender.name
        path = FOLDER / f"cpu-{self.data.kind}-{workload.name}-{name}.requests"
        return Lane(name, server, write_requests(path, workload.requests(self.data.sample)))


def _side(name: str, root: Path, fill: Fill, settings: Mapping[str, str]) -> Side:
    say(f"{name}: filling a database")
    gateway = CONTENDERS["gateway"]
    return Side(replace(gateway, name=name, root=root, environment={**gateway.environment, **settings}), fill(root))


def alternation(sides: Sequence[Side], workloads: Sequence[Workload], seconds: int, faults: dict[str, str]) -> dict[str, list[Measured]]:
    """Each side's figures by workload, of processes that are started for it: where a process lies in memory makes several per cent."""
    with ExitStack() as stack:
        servers = [stack.enter_context(running(side.contender, side.data)) for side in sides]
        for server in servers:
            server.pause()
        return {workload.name: _measured(workload, sides, servers, seconds, faults) for workload in workloads}


def _measured(workload: Workload, sides: Sequence[Side], servers: Sequence[Server], seconds: int, faults: dict[str, str]) -> list[Measured]:
    """Where the sides answer differently it is said, and measured all the same. Asking them warms them, too."""
    for server in servers:
        server.resume()
    for difference in disagreements(workload, sides[0].data.sample, servers).values():
        say(f"  they answer differently: {difference}")
    for server in servers:
        server.pause()
    failed: dict[str, str] = {}
    lanes = [side.lane(server, workload) for side, server in zip(sides, servers, strict=True)]
    found = measured(lanes, Effort(1, seconds, warm=0), failed)
    faults |= {f"{workload.name}, {name}": fault for name, fault in failed.items()}
    return [one for rounds in found.values() for one in rounds]


def ratios(old: Sequence[Measured], new: Sequence[Measured]) -> tuple[float, float, float]:
    """What the old state spends on a request over what the new one does: a quarter of the rounds is below, half, three quarters."""
    found = [one.cpu / other.cpu for one, other in zip(old, new, strict=True)]
    low, middle, high = quantiles(found, n=4) if len(found) > 1 else found * 3
    return low, middle, high


def row(workload: Workload, old: Sequence[Measured], new: Sequence[Measured]) -> list[str]:
    """A line of the table."""
    low, middle, high = ratios(old, new)
    spent = [f"{median(one.cpu for one in found):.3f}" for found in (old, new)]
    return [
        f"{workload.name} {workload.title}",
        *spent,
        f"{middle:.3f}",
        f"{low:.3f} to {high:.3f}",
        "" if middle >= LEAST else f"< {LEAST}",
    ]


def run(kind: str, old: Path, workloads: Sequence[Workload], given: argparse.Namespace) -> tuple[list[list[str]], dict[str, str]]:
    """The table's lines, and what couldn't be measured. Raises ServerFault."""
    faults: dict[str, str] = {}
    found: dict[str, list[list[Measured]]] = {workload.name: [] for workload in workloads}
    with DATABASES[kind](given.rows) as fill:
        settings = dict(each.split("=", 1) for each in given.set)
        sides = [_side("gateway-old", old, fill, {}), _side("gateway-new", ROOT, fill, settings)]
        for turn in range(given.rounds):
            say(f"{kind}, alternation {turn + 1} of {given.rounds}: {', '.join(found)}")
            # Old, new, new, old, …: whoever is the second finds another machine.
            order = slice(None, None, -1 if turn % 2 else 1)
            for name, pair in alternation(sides[order], workloads, given.seconds, faults).items():
                found[name] += [pair[order]] if len(pair) == len(sides) else []
    return [row(WORKLOADS[name], *zip(*pairs, strict=True)) for name, pairs in found.items() if pairs], faults


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make cpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", required=True, help="the commit to compare with (OLD=… of make)")
    parser.add_argument("--databases", default="sqlite", help="of sqlite, postgresql, with commas between (default: sqlite)")
    parser.add_argument("--only", default=",".join(_REQUESTS), help="workloads, with commas between (default: W1 to W7)")
    parser.add_argument("--rounds", type=int, default=15, help="alternations (default: 15)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load, a side and round (default: 1)")
    parser.add_argument("--rows", type=int, default=20_000, help="opportunities (default: 20,000)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting that this code alone is measured with")
    parser.add_argument("--json", type=Path, help="a file for the lines")
    return parser.parse_args()


def main() -> int:
    """Prints a table a database. Exits with 1 where something couldn't be measured; a ratio that is too low is told, and no error."""
    given = _options()
    workloads = [WORKLOADS[name] for name in given.only.split(",")]
    told, missing = {}, dict[str, str]()
    with checkout(given.old) as old:
        for kind in given.databases.split(","):
            told[kind], faults = run(kind, old, workloads, given)
            missing |= faults
    for kind, lines in told.items():
        say(f"\nServer CPU a request on {kind}, {given.old} and now, {given.rounds} alternations, {given.rows:,} opportunities\n")
        say("\n".join(table(["", "old ms", "new ms", "old / new", "half of the rounds", ""], lines)))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    for name, fault in missing.items():
        say(f"not measured: {name}: {fault}")
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ServerFault, LoadFault) as fault:
        sys.exit(str(fault))
