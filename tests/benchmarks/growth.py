"""What ten times the rows cost: the same reads of a database with as many, in the same rounds."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from .comparison import requests_file
from .contenders.catalog import CONTENDERS
from .data import FOLDER, Data, sqlite_data
from .load import write_requests
from .report import MEASURED, Section, numbers, table
from .rounds import Effort, Lane, Rounds, measured, medians, say
from .servers import Server, running
from .targets import check_growth
from .workloads import WORKLOADS, Request

_TIMES = 10
_PAGE = """query Page($first: Int, $after: String, $last: Int, $before: String) {
  opportunities(first: $first, after: $after, last: $last, before: $before) {
    nodes { id name value stage account { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def growth(rows: int, effort: Effort) -> Section:
    """Raises ServerFault."""
    say(f"growth: {rows:,} and {rows * _TIMES:,} opportunities; the larger database is made once and kept")
    faults: dict[str, str] = {}
    with ExitStack() as stack:
        lanes = [lane for data in (sqlite_data(rows), sqlite_data(rows * _TIMES, shared=True)) for lane in _lanes(stack, data)]
        # Both of a kind one after the other.
        names = dict.fromkeys(lane.name.partition(",")[0] for lane in lanes)
        found = measured([lane for name in names for lane in lanes if lane.name.startswith(name)], effort, faults)
    ratios = dict(_ratios(found, list(names), rows))
    raw = {name: [one.as_json() for one in measured] for name, measured in found.items()}
    return Section("Growth", list(_lines(found)), check_growth(ratios), raw, faults)


def _lanes(stack: ExitStack, data: Data) -> Iterator[Lane]:
    server = stack.enter_context(running(CONTENDERS["gateway"], data))
    requests = {"W3": requests_file(WORKLOADS["W3"], data), "W7": requests_file(WORKLOADS["W7"], data), **_pages(server, data)}
    server.pause()
    for name, path in requests.items():
        yield Lane(_lane(name, data.rows), server, path)


def _lane(name: str, rows: int) -> str:
    return f"{name}, {rows:,} rows"


def _pages(server: Server, data: Data) -> dict[str, Path]:
    """The first and the last 100 of all, by their cursors."""
    begins = _info(server, {"last": 100})["startCursor"]
    last = {"first": 100, "after": _info(server, {"last": 1, "before": begins})["endCursor"]}
    assert not _info(server, last)["hasNextPage"], "this isn't the last page"
    return {
        "first page": write_requests(FOLDER / f"{data.rows}-first.requests", [_page({"first": 100})]),
        "last page": write_requests(FOLDER / f"{data.rows}-last.requests", [_page(last)]),
    }


def _info(server: Server, variables: dict[str, Any]) -> Any:
    return server.ask(_page(variables))["data"]["opportunities"]["pageInfo"]


def _page(variables: dict[str, Any]) -> Request:
    body = {"query": " ".join(_PAGE.split()), "variables": variables}
    return Request("POST", "/graphql", orjson.dumps(body).decode())


def _ratios(found: Rounds, names: list[str], rows: int) -> Iterator[tuple[str, float]]:
    """How many times as long it takes with ten times the rows."""
    for name in names:
        few, many = found.get(_lane(name, rows)), found.get(_lane(name, rows * _TIMES))
        if few and many:
            yield name, median(one.rate / other.rate for one, other in zip(few, many, strict=True))


def _lines(found: Rounds) -> Iterator[str]:
    yield "The gateway; pages of 100 by GraphQL, in the default order, by cursor:"
    yield ""
    yield from table(["", *MEASURED], ([name, *numbers(one)] for name, rounds in found.items() if (one := medians(rounds))))
