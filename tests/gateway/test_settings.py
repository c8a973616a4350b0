"""Settings: from the environment, overridden by flags, refused in words."""

from pathlib import Path

import pytest

from gateway.environment import PREFIX
from gateway.settings import Settings, SettingsError, load


def test_every_setting_is_described() -> None:
    """docs/settings.md is made of the descriptions."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_defaults_need_no_environment() -> None:
    """The gateway starts without any setting."""
    settings = load()
    assert (settings.port, settings.database_url, settings.rate_limit) == (8000, "sqlite:///gateway.db", None)


def test_environment_and_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """`GATEWAY_…` sets, a flag overrides, a flag that wasn't given doesn't, lists are written with commas."""
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    monkeypatch.setenv("GATEWAY_HOST", "0.0.0.0")
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = load(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")
    assert settings.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "many", "GATEWAY_PORT: "),
        ("port", "65536", "65535"),
        ("workers", "0", "GATEWAY_WORKERS: "),
        ("database_url", "mysql://x", "sqlite:///path or postgresql://"),
        ("cors_origins", "example.com", "is no origin"),
        ("cors_origins", "https://example.com/path", "is no origin"),
        ("public_url", "crm.example.com", "http"),
        ("rate_limit", "many", "300/minute"),
        ("log_level", "loud", "GATEWAY_LOG_LEVEL: "),
        ("trusted_documents_mode", "only", "GATEWAY_TRUSTED_DOCUMENTS"),
        *((name, "inf", "write 86400 or less") for name in ("operation_timeout", "statement_timeout", "heartbeat", "shutdown_delay")),
        *((name, "1e300", "write 86400 or less") for name in ("pool_timeout", "queue_timeout", "body_timeout", "shutdown_delay")),
        ("statement_timeout", "0.0001", "write 0.01 or more"),
        ("token_cache", "61", "write 60 or less"),
        ("slow_statement", "-1", "write 0 or more"),
        *(
            (name, "9" * 12, "write .* or less")
            for name in ("event_retention", "audit_retention", "keep_alive", "hsts", "max_cost", "workers")
        ),
        ("workers", "100000", "write 1024 or less"),
        ("pool_size", "1000000", "write 10000 or less"),
        *((name, "", "is empty") for name in ("host", "jwt_user_claim", "metrics_token", "rate_limit_storage")),
        ("allowed_hosts", ",", "at least one name"),
        *(("allowed_hosts", name, "is no host name") for name in ("http://x", "a b", "*.", "x:8000", "x/y")),
        *(("trusted_proxies", name, "is no address") for name in ("foo", "10.0.0.1, proxy.example", "10.0.0.0/40", "*, 10.0.0.1")),
        ("trusted_proxies", "10.0.0.1/8", "is 10.0.0.0/8 meant"),
        *(("public_url", f"https://{rest}", "http") for rest in ("x/?a=b", "x/#a", "[", "x:99999", "u:p@x", ":80")),
        *(("rate_limit", rate, "above 0") for rate in ("0/minute", "10/minute;5/hour", "5/1000000000000 year")),
        ("metrics_port", "8000", "GATEWAY_METRICS_PORT is GATEWAY_PORT"),
        ("database_url", "sqlite:///x.db?mode=ro", "without \\? and options"),
    ],
)
def test_bad_values_are_told_in_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """The message names the variable and says what it may be; the value, which may be a secret, isn't repeated whole."""
    monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(SettingsError, match=said):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_hosts", "crm.example.com, *.example.org, localhost, [::1], 10.0.0.7, gateway_1"),
        ("trusted_proxies", "10.0.0.7, ::1, 172.28.0.0/24, fd00::/8"),
        ("trusted_proxies", "*"),
        ("trusted_proxies", ""),
        ("public_url", "https://crm.example.com:8443/crm/"),
        ("public_url", "http://[::1]:8000"),
        ("public_url", ""),
        ("rate_limit", ""),
        ("slow_statement", "0"),
        ("database_url", "sqlite:////tmp/a b/größe?.db"),
    ],
)
def test_good_values_are_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What is meant is taken: several names and networks, nothing where nothing is a value."""
    monkeypatch.setenv(PREFIX + name.upper(), value)
    load()


def test_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a setting."""
    monkeypatch.setenv("GATEWAY_PORT", "x")
    monkeypatch.setenv("GATEWAY_WORKERS", "x")
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x.y", False)]
)
def test_loopback(host: str, *, loopback: bool) -> None:
    """The demo's token is only shown where nobody else can reach the port."""
    assert load(host=host).loopback is loopback


def test_secrets_do_not_print(tmp_path: Path) -> None:
    """A settings object in a log doesn't give the secret away."""
    assert "hush" not in repr(load(jwt_secret="hush", trusted_documents=tmp_path))
