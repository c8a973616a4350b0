"""docs/operating.md and a live gateway say the same: each metric and log member of the page exists, and each that exists is on it."""

import io
import json
import re
from pathlib import Path

from gateway.observability.logs import AccessLog
from gateway.settings import Settings
from rest_compat.errors import HeadersTooLarge
from tests.collector import collecting
from tests.rest_compat.real import OPPORTUNITIES, gateway

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
#: What only one of the databases has.
OF_ONE = {"sqlite": ("gateway_sqlite_", "gateway_database_writes"), "postgresql": ("gateway_database_connections",)}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the first table after a heading, by what is in code in their first cell."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1:] for cells in found}


METRICS, MEMBERS = rows("Metrics"), rows("The log")


async def exposed(database_url: str) -> str:
    """The metrics of a gateway that has done something of everything."""
    with collecting() as collector:
        async with gateway(database_url, otlp_endpoint=collector.url) as here:
            await here.make("/api/accounts/", name="A")
            assert (await here.client.get("/nothing")).status_code == 404
            assert (await here.client.get(OPPORTUNITIES, headers={"authorization": ""})).status_code == 401
            here.app.connections.refused(HeadersTooLarge("over 1 byte"))
            return (await here.client.get("/metrics")).text


async def test_metrics(database_url: str) -> None:
    """The same names on both sides, on each database; each has a sample, and exactly the labels that the page tells."""
    text = await exposed(database_url)
    kind = database_url.partition(":")[0]
    others = tuple(prefix for other, prefixes in OF_ONE.items() if other != kind for prefix in prefixes)
    documented = {name for name in METRICS if not name.startswith(others)}
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == documented
    for name in documented:
        found = re.findall(rf"^{name}(?:_count)?(?:{{(.*)}})? \S+$", text, flags=re.MULTILINE)
        assert found, name
        labels = {label for sample in found for label in re.findall(r'(\w+)="', sample)}
        assert labels == set(re.findall(r"`(\w+)`", METRICS[name][0])), name
    assert "_created" not in text


async def test_members_of_the_log(sqlite_url: str) -> None:
    """The line of a request that has all members has those that the page tells, and no others."""
    stream = io.BytesIO()
    async with gateway(sqlite_url) as here:
        here.app.telemetry.access_log = AccessLog(Settings(), stream)
        await here.client.get(OPPORTUNITIES, params={"nothing": "1", "stage": "no stage"}, headers={"traceparent": TRACEPARENT})
        await here.client.get(OPPORTUNITIES, params={"nothing": "1"}, headers={"traceparent": TRACEPARENT})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert set().union(*lines) == set(MEMBERS)


def test_settings_that_it_names() -> None:
    """Each setting that the page tells of exists."""
    named = {name.lower() for name in re.findall(r"GATEWAY_([A-Z_]+)", PAGE)}
    assert named <= set(Settings.model_fields), named - set(Settings.model_fields)


def test_what_it_links_to() -> None:
    """Each file that the page links to is there."""
    folder = Path(__file__).parents[2] / "docs"
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (folder / target).exists(), target
