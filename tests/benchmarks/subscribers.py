"""Many subscribers on one process: `tests.end_to_end.subscribers`, the server on one core and the subscribers on the other."""

import asyncio
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.end_to_end.fleet import access, fresh, serving
from tests.end_to_end.subscribers import Figures, measure

from .machine import LOAD_CORE, SERVER_CORE
from .report import Section, table
from .rounds import say
from .targets import Verdict

_PAUSE = 0.25
_HEAD = ["subscribers", "events", "missed", "repeated", "p50 ms", "p99 ms", "most ms", "RSS MB before", "RSS MB", "KiB a subscriber"]


def subscribers(count: int, events: int) -> Section:
    """The time from sending a write until each of `count` WebSockets has its event; then one of them stops reading."""
    say(f"subscribers: {count:,} WebSockets on one process, {events} events")
    with tempfile.TemporaryDirectory(prefix="gateway-subscribers-") as name, fresh("sqlite", Path(name)) as url:
        figures = asyncio.run(_run(url, Path(name), count, events))
    return Section("Subscribers", list(_lines(figures)), _verdicts(figures), asdict(figures))


async def _run(url: str, folder: Path, count: int, events: int) -> Figures:
    cores = os.sched_getaffinity(0)
    _move({SERVER_CORE} & cores or cores)
    try:
        # A process stays on the cores of who starts it.
        async with serving(url, folder) as (gateway,):
            _move({LOAD_CORE} & cores or cores)
            return await measure(gateway, await access(url), count, events, _PAUSE)
    finally:
        _move(cores)


def _move(cores: set[int]) -> None:
    os.sched_setaffinity(0, cores)


def _lines(figures: Figures) -> list[str]:
    row = [
        *(f"{number:,}" for number in (figures.subscribers, figures.events, figures.missed, figures.repeated)),
        *(f"{number:.1f}" for number in (figures.p50_ms, figures.p99_ms, figures.max_ms)),
        *(f"{kib / 1024:.0f}" for kib in (figures.rss_before_kib, figures.rss_after_kib)),
        f"{figures.rss_per_subscriber_kib:.0f}",
    ]
    return [
        "`graphql-transport-ws` on SQLite, four writes a second; times from sending the write until a subscriber has its event:",
        "",
        *table(_HEAD, [row]),
    ]


def _verdicts(figures: Figures) -> list[Verdict]:
    title = f"{figures.subscribers:,} subscribers"
    lost = figures.missed + figures.repeated + figures.dropped
    dropped = "yes" if figures.stopped_dropped else "no"
    return [
        Verdict(f"{title}: each event reaches each of them once", "0 lost", str(lost), lost == 0),
        Verdict(f"{title}: who stops reading is dropped, without harm to the others", "yes", dropped, figures.stopped_dropped),
    ]
