"""Alerts, dashboard and Prometheus's configuration against live gateways: what they name is there, and each query gives something."""

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.connecting import PATIENCE, free_port
from tests.deploy.tools import DEPLOY, need, run, running, substituted
from tests.end_to_end.fleet import access, in_process

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "gateway.json").read_text("utf-8"))
TOKEN = "metrics-token"
#: A collector of traces that is away: what is told of traces is told all the same.
NOWHERE = "http://127.0.0.1:1"
#: Of Prometheus itself.
OWN = {"up"}


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        yield from group["rules"]


def queries() -> Iterator[str]:
    """The dashboard's, with its variables filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")


def names(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"\b(?:gateway|process)_\w+", expression))


@dataclass(frozen=True)
class Live:
    """Gateways, on both databases, that have answered something; what their metrics are called."""

    addresses: list[str]
    names: set[str]


@pytest.fixture(scope="module")
async def live(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, postgres_server: Any) -> AsyncIterator[Live]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("observed"))
    async with AsyncExitStack() as stack:
        addresses, found = [], set[str]()
        for url in (f"sqlite:///{file}", stack.enter_context(postgres_server.lent())):
            who = await access(url)
            address, _ = await stack.enter_async_context(in_process(url, metrics_token=TOKEN, otlp_endpoint=NOWHERE))
            async with httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=PATIENCE) as client:
                assert (await client.get("/api/opportunities/")).status_code == 200
                text = (await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
            addresses.append(address)
            found |= set(_exposed(text))
        yield Live(addresses, found)


def _exposed(text: str) -> Iterator[str]:
    """What the metrics are called, those too that have no sample yet; counters have lost their ending in neither form."""
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
        yield name
        if kind == "histogram":
            yield from (name + ending for ending in ("_bucket", "_count", "_sum"))


async def test_names(live: Live) -> None:
    """Each metric that an alert or a panel names is one that a gateway tells."""
    named = {name for expression in (*queries(), *(rule["expr"] for rule in rules())) for name in names(expression)}
    assert len(named) > 20
    assert named <= live.names


def test_alerts() -> None:
    """Promtool takes them, and each says how bad it is, what is so and what to do."""
    done = run(need("promtool"), "check", "rules", ALERTS)
    assert done.returncode == 0, done.stderr
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description"}


#: An alert, the series that lead to it, and when it is looked at.
LEADING: list[tuple[str, dict[str, str], str]] = [
    ("GatewayDown", {'up{job="gateway",instance="a"}': "1 0x10"}, "5m"),
    (
        "GatewayErrors",
        {
            'gateway_request_duration_seconds_count{job="gateway",status="500"}': "0+60x20",
            'gateway_request_duration_seconds_count{job="gateway",status="200"}': "0+600x20",
        },
        "15m",
    ),
    (
        "GatewaySlow",
        {
            f'gateway_request_duration_seconds_bucket{{job="gateway",le="{le}"}}': f"0+{n}x30"
            for le, n in (("1.0", 50), ("2.5", 60), ("+Inf", 60))
        },
        "25m",
    ),
    ("GatewayRefuses", {'gateway_requests_refused_total{job="gateway",reason="overload"}': "0+6x20"}, "15m"),
    ("GatewayBusy", {'process_cpu_seconds_total{job="gateway",instance="a"}': "0+55x60"}, "50m"),
    ("GatewayQueue", {'gateway_requests_waiting{instance="a"}': "40x20"}, "15m"),
    ("GatewayDatabaseConnections", {'gateway_database_connections_waiting{instance="a"}': "2x20"}, "15m"),
    ("GatewayDatabaseWrites", {'gateway_database_writes_waiting{instance="a"}': "2x20"}, "15m"),
    ("GatewaySlowStatements", {'gateway_slow_statements_total{job="gateway"}': "0+60x40"}, "35m"),
    ("GatewayEventsLate", {'gateway_event_lag_seconds{instance="a"}': "60x20"}, "10m"),
    ("GatewayWriteAheadLog", {'gateway_sqlite_wal_bytes{instance="a"}': "99000000x20"}, "15m"),
    ("GatewaySweepsFail", {'gateway_sweeps_total{job="gateway",outcome="failed"}': "0+1x60"}, "30m"),
    (
        "GatewayFewDescriptors",
        {'process_open_fds{job="gateway",instance="a"}': "95x20", 'process_max_fds{job="gateway",instance="a"}': "100x20"},
        "10m",
    ),
    ("GatewayRestarts", {'process_start_time_seconds{job="gateway",instance="a"}': "0+100x10"}, "10m"),
    ("GatewayTracesLost", {'gateway_spans_total{job="gateway",outcome="lost"}': "0+6x60"}, "50m"),
    ("GatewayVersions", {'gateway_build_info{version="1"}': "1x90", 'gateway_build_info{version="2"}': "1x90"}, "80m"),
]


def test_each_alert_is_tried() -> None:
    """None is left out below."""
    assert [name for name, _, _ in LEADING] == [rule["alert"] for rule in rules()]


def test_when_alerts_fire(tmp_path: Path) -> None:
    """Each one fires on what it is for, and not on its own absence: promtool runs them over made-up series."""
    promtool = need("promtool")
    tests = [_unit(name, series, moment) for name, series, moment in LEADING]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    # Of those that fire it compares labels and words, which are the rules' own: how many fire is asked by a query.
    done = run(promtool, "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def _unit(name: str, series: dict[str, str], moment: str) -> dict[str, Any]:
    def firing(at: str, count: int) -> dict[str, Any]:
        samples = [{"labels": "{}", "value": count}] if count else []
        return {"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": at, "exp_samples": samples}

    given = [{"series": each, "values": values} for each, values in series.items()]
    return {"interval": "1m", "input_series": given, "promql_expr_test": [firing("0m", 0), firing(moment, 1)]}


@pytest.fixture
async def prometheus(live: Live, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Prometheus by its file, which reads both gateways each half second."""
    program, port = need("prometheus"), free_port()
    (tmp_path / "token").write_text(TOKEN)
    text = substituted(
        "prometheus/prometheus.yml",
        **{
            "scrape_interval: 15s": "scrape_interval: 500ms",
            "evaluation_interval: 15s": "evaluation_interval: 500ms",
            "/etc/prometheus/": f"{ALERTS.parent}/",
            "/run/secrets/metrics_token": str(tmp_path / "token"),
            "gateway-1:8000, gateway-2:8000": ", ".join(live.addresses),
        },
    )
    (tmp_path / "prometheus.yml").write_text(text)
    command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        with running(command, tmp_path, lambda: _is_ready(url)):
            yield client


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


async def _ask(prometheus: httpx.AsyncClient, query: str) -> Any:
    answer = await prometheus.get("/api/v1/query", params={"query": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


#: Panels that are empty as long as nothing has happened that they count.
QUIET = ("gateway_requests_refused_total", "gateway_connections_refused_total", 'outcome="error"')


async def test_queries(prometheus: httpx.AsyncClient) -> None:
    """Prometheus by its own configuration reads both gateways; each panel's query gives something, and each alert's expression runs."""
    until = time.monotonic() + PATIENCE
    while len(await _ask(prometheus, 'count_over_time(up{job="gateway"}[1m]) >= 3')) < 2:
        assert time.monotonic() < until
        await asyncio.sleep(0.2)
    assert {each["value"][1] for each in await _ask(prometheus, 'up{job="gateway"}')} == {"1"}
    for query in queries():
        assert await _ask(prometheus, query) or any(part in query for part in QUIET), query
    for rule in rules():
        await _ask(prometheus, rule["expr"])
    loaded = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
    assert [rule["name"] for group in loaded for rule in group["rules"]] == [rule["alert"] for rule in rules()]


def test_the_dashboard() -> None:
    """Each panel says what it shows and has its own place; its data come from the source that is provisioned."""
    sources = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text("utf-8"))
    known = {source["uid"] for source in sources["datasources"]}
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= known
