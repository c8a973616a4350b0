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
    ],
)
def test_bad_values_are_told_in_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """The message names the variable and says what it may be; the value, which may be a secret, isn't repeated whole."""
    monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(SettingsError, match=said):
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
