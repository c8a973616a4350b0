"""What one request costs another: a point read beside a slow filter, a heavy read at 32 connections."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from string import ascii_lowercase

from .comparison import requests_file
from .contenders.catalog import CONTENDERS
from .data import FOLDER, Data
from .load import write_requests
from .report import MEASURED, Section, numbers, table
from .rounds import Effort, Lane, Rounds, measured, medians, say
from .servers import running
from .workloads import WORKLOADS, Request

_MANY = 32
_SEARCHES = 20_000


def latency(data: Data, effort: Effort) -> Section:
    """Raises ServerFault."""
    say("latency: W3 alone and beside a slow filter, W6 at 32 connections")
    faults: dict[str, str] = {}
    with ExitStack() as stack:
        floor, gateway = (stack.enter_context(running(CONTENDERS[name], data)) for name in ("floor", "gateway"))
        for server in (floor, gateway):
            server.pause()
        detail, deals = (requests_file(WORKLOADS[name], data) for name in ("W3", "W6"))
        slow = write_requests(FOLDER / f"{data.rows}-slow.requests", _slow())
        lanes = [
            Lane("W3", gateway, detail),
            Lane("W3 beside a slow filter", gateway, detail, beside=slow),
        ]
        found = measured(lanes, effort, faults)
        found |= measured([Lane("the slow filter alone", gateway, slow)], replace(effort, connections=1), faults)
        wide = [Lane("W6 at 32 connections", gateway, deals), Lane("floor, W6 at 32 connections", floor, deals)]
        found |= measured(wide, replace(effort, connections=_MANY), faults)
    raw = {name: [one.as_json() for one in rounds] for name, rounds in found.items()}
    return Section("Latency", list(_lines(found)), (), raw, faults)


def _slow() -> list[Request]:
    """A search that finds nothing reads every name; each is a new one, which no cache knows."""
    pick = random.Random(7)
    words = ("".join(pick.choices(ascii_lowercase, k=9)) for _ in range(_SEARCHES))
    return [Request("GET", f"/api/opportunities/?limit=20&search={word}") for word in words]


def _lines(found: Rounds) -> Iterator[str]:
    yield "8 connections; the slow filter (a search that reads every name) comes over one more, again and again, to the same process:"
    yield ""
    yield from table(["", *MEASURED], ([name, *numbers(one)] for name, rounds in found.items() if (one := medians(rounds))))
