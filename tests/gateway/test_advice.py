"""What of the settings works and is hardly meant is told, with what to set."""

import os
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from gateway.serving import serve
from gateway.settings import load
from gateway.settings_advice import RULES, advice, sqlite_advice

#: Settings that are hardly meant, and what is said of them.
HARDLY_MEANT: list[tuple[dict[str, Any], str]] = [
    ({"host": "0.0.0.0"}, "read /metrics"),
    ({"workers": 2, "rate_limit": "300/minute"}, "is given 2 times"),
    ({"max_answer": 2_000, "max_unsent": 1_000}, "GATEWAY_MAX_ANSWER (2000 bytes)"),
    ({"max_document_length": 2_000, "graphql_body_limit": 1_000}, "GATEWAY_GRAPHQL_BODY_LIMIT (1000 bytes)"),
    ({"public_url": "https://crm.example.com"}, "GATEWAY_TRUSTED_PROXIES"),
    ({"hsts": 60, "public_url": "http://crm.example.com"}, "browsers will not take it"),
    ({"jwt_jwks_url": "https://id.example.com/keys"}, "GATEWAY_JWT_AUDIENCE"),
    ({"jwt_secret": "s" * 32}, "GATEWAY_JWT_AUDIENCE"),
    ({"heartbeat": 60}, "GATEWAY_HEARTBEAT (60 s)"),
    ({"shutdown_timeout": 5}, "a stop cuts off requests"),
    ({"statement_timeout": 10}, "GATEWAY_STATEMENT_TIMEOUT (10 s) is not shorter"),
    ({"pool_timeout": 12}, "GATEWAY_POOL_TIMEOUT (12 s) is not shorter"),
    ({"queue_timeout": 11}, "GATEWAY_QUEUE_TIMEOUT (11 s) is not shorter"),
]
MEANT: list[dict[str, Any]] = [
    {},
    {"host": "0.0.0.0", "metrics_token": "t"},
    {"host": "0.0.0.0", "metrics_port": 9_100},
    {"host": "0.0.0.0", "metrics": False},
    {"workers": 2, "rate_limit": "300/minute", "rate_limit_storage": "async+redis://host"},
    {"rate_limit": "300/minute"},
    {"public_url": "https://crm.example.com", "trusted_proxies": "10.0.0.1", "hsts": 60},
    {"jwt_secret": "s" * 32, "jwt_audience": "crm"},
]


@pytest.mark.parametrize(("settings", "says"), HARDLY_MEANT, ids=[says for _, says in HARDLY_MEANT])
def test_what_is_hardly_meant(settings: dict[str, Any], says: str) -> None:
    """One sentence a thing, which names what to set."""
    (line,) = advice(load(**settings))
    assert says in line
    assert "GATEWAY_" in line


@pytest.mark.parametrize("settings", MEANT, ids=str)
def test_what_is_meant(settings: dict[str, Any]) -> None:
    """Nothing is said of the defaults, nor of what fits together."""
    assert list(advice(load(**settings))) == []


def test_each_rule_is_tried() -> None:
    """No rule is never right."""
    assert all(any(holds(load(**settings)) for settings, _ in HARDLY_MEANT) for holds, _ in RULES)


def test_the_fault_of_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite has it, the sentence says what to do; nobody on PostgreSQL reads of it."""
    for risk in (False, True):
        monkeypatch.setattr("gateway.settings_advice.at_risk", lambda risk=risk: risk)
        said = list(sqlite_advice(load(database_url="sqlite:////data/gateway.db")))
        assert [line.startswith("Let only gateways write to gateway.db: then all is well.") for line in said] == [True] * risk
        assert not list(sqlite_advice(load(database_url="postgresql://host/name")))


@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_told_once(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """It is said by who starts the processes, and by none of them."""
    monkeypatch.setattr("gateway.settings_advice.at_risk", lambda: True)
    monkeypatch.setattr("gateway.observability.logs.configure", lambda _settings: None)
    monkeypatch.setattr("gateway.serving.Server.run", lambda *_: None)
    monkeypatch.setattr("gateway.serving.Supervisor", lambda *_: SimpleNamespace(run=lambda: None, processes=[]))
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with structlog.testing.capture_logs() as said:
        serve(load(heartbeat=60, workers=workers), [])
    warnings = [line["event"] for line in said if line["log_level"] == "warning"]
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    assert [line[:21] for line in warnings] == ["GATEWAY_HEARTBEAT (60", "Let only gateways wri"]
