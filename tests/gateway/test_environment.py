"""What the environment says, and how it is told that it says nothing that can be meant."""

import os
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.environment import database_address
from gateway.settings import SECRETS, Settings, SettingsError, load, unknown_variables
from tests.gateway.conftest import Run

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("sqlite:///gateway.db", "sqlite:///gateway.db"),
        ("sqlite:////var/lib/gateway.db", "sqlite:////var/lib/gateway.db"),
        ("postgres://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgresql://u:p@h:5432/db?sslmode=require", "postgresql://u:p@h:5432/db?sslmode=require"),
        ("postgresql://u:p%40%3A@h1:5432,h2:5433/db", "postgresql://u:p%40%3A@h1:5432,h2:5433/db"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
        ("postgresql://h", "postgresql://h"),
    ],
)
def test_addresses(given: str, address: str) -> None:
    """SQLite's and PostgreSQL's, also by the name that hosting services give it."""
    assert database_address(given) == address


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{SECRET}@h:0/db",
        f"postgresql://u:{SECRET}@h:65536/db",
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}@h:5432,h2:x/db",
        f"postgresql://u:{SECRET}@h:/db",
        f"postgresql://u:{SECRET}/x@h/db",
        f"postgresql://u:{SECRET}@[::1/db",
        f"mysql://u:{SECRET}@h/db",
        SECRET,
        "",
        "sqlite://gateway.db",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_no_addresses(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """One sentence that says how it is written, and never what was: a password is in it."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", address)
    with pytest.raises(SettingsError, match=r"\AGATEWAY_DATABASE_URL: ") as caught:
        load()
    assert SECRET not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
@pytest.mark.parametrize("name", SECRETS)
def test_secrets_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, ending: str) -> None:
    """A file holds what the variable would, with or without the end of a line."""
    secret = "postgresql://u:p@h/db" if name == "database_url" else f" {SECRET} "
    path = tmp_path / "secret"
    path.write_bytes(f"{secret}{ending}".encode())
    monkeypatch.setenv(f"GATEWAY_{name.upper()}_FILE", str(path))
    found = getattr(load(), name)
    assert (found if isinstance(found, str) else found.get_secret_value()) == secret


def test_every_secret_can_be_given_by_file() -> None:
    """Each setting that is a secret, or an address that a password may be in, is listed as one and has a setting for its file."""
    secrets = {name for name, each in Settings.model_fields.items() if "SecretStr" in str(each.annotation) or not each.repr}
    assert secrets == set(SECRETS)
    assert {f"{name}_file" for name in SECRETS} <= set(Settings.model_fields)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A secret in a file of somebody else's is told as that."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0)
    monkeypatch.setenv("GATEWAY_JWT_SECRET_FILE", str(path))
    with pytest.raises(SettingsError, match=r"GATEWAY_JWT_SECRET_FILE: .*can't be read: permission denied"):
        load()


def test_no_address_with_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of Redis that can't be used is refused without its password."""
    monkeypatch.setenv("GATEWAY_RATE_LIMIT", "10/minute")
    monkeypatch.setenv("GATEWAY_RATE_LIMIT_STORAGE", f"nosuch://user:{SECRET}@host")
    with pytest.raises(SettingsError, match="GATEWAY_RATE_LIMIT_STORAGE: ") as caught:
        create_app(load())
    assert SECRET not in str(caught.value)


def test_a_secret_given_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By variable and by file is refused, since nobody knows which is meant; a flag counts before both."""
    path = tmp_path / "secret"
    path.write_text("sqlite:///file.db")
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "sqlite:///variable.db")
    monkeypatch.setenv("GATEWAY_DATABASE_URL_FILE", str(path))
    with pytest.raises(SettingsError, match="GATEWAY_DATABASE_URL and GATEWAY_DATABASE_URL_FILE are both set"):
        load()
    assert load(database_url="sqlite:///flag.db").database_url == "sqlite:///flag.db"
    assert load(database_url_file=str(path)).database_url == "sqlite:///file.db"
    with pytest.raises(SettingsError, match="both set"):
        load(database_url="sqlite:///flag.db", database_url_file=str(path))


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "holds no secret"), (b"\n", "holds no secret"), (b"\xff", "is no text"), (None, "no such file")]
)
def test_files_without_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, says: str) -> None:
    """A file that is empty, no text or not there is told as that."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("GATEWAY_JWT_SECRET_FILE", str(path))
    with pytest.raises(SettingsError, match=f"GATEWAY_JWT_SECRET_FILE: .*{says}"):
        load()


def test_the_flag_is_named_where_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever typed a flag isn't told of a variable."""
    monkeypatch.setenv("GATEWAY_WORKERS", "none")
    with pytest.raises(SettingsError) as caught:
        load(port="many", log_level="loud")
    assert str(caught.value).splitlines() == [
        "--port: write a whole number",
        "GATEWAY_WORKERS: write a whole number",
        "--log-level: write 'debug', 'info', 'warning' or 'error'",
    ]


@pytest.mark.parametrize("value", ["?", "-1", "1e999", "\u0663", "9" * 5_000, "[]", "\u200b"])
def test_no_word_of_the_library(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Whatever a setting can't be is said in our words, under its name: those of the settings library say 'Input'."""
    for name in Settings.model_fields:
        with monkeypatch.context() as patch:
            patch.setenv(f"GATEWAY_{name.upper()}", value)
            said = fault()
        assert "nput" not in said
        assert not said or f"GATEWAY_{name.upper()}" in said


def fault() -> str:
    """What the environment's settings are refused with; nothing if they are taken."""
    try:
        load()
    except SettingsError as error:
        return str(error)
    return ""


def test_unknown_variables(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A name that looks like a setting and is none is named at each start, with the one that it may be meant for; its value isn't told."""
    names = ["GATEWAY_DATABSE_URL", "gateway_prot", "GATEWAY_COLOUR", "GATEWAY_PORT", "gateway_port", "PATH", "GATEWAY"]
    assert list(unknown_variables(names)) == [
        "GATEWAY_COLOUR is no setting and is ignored.",
        "GATEWAY_DATABSE_URL is no setting and is ignored: is GATEWAY_DATABASE_URL meant?",
        "gateway_prot is no setting and is ignored: is GATEWAY_PORT meant?",
    ]
    monkeypatch.setenv("GATEWAY_DATABSE_URL", SECRET)
    told = run("migrate")
    assert told.code == 0
    assert told.err.splitlines()[0] == "gateway: GATEWAY_DATABSE_URL is no setting and is ignored: is GATEWAY_DATABASE_URL meant?"
    assert SECRET not in told.err


@pytest.mark.skipif(os.name == "nt", reason="rights of files are others there")
def test_the_database_is_its_owners(run: Run, tmp_path: Path) -> None:
    """What is made of SQLite's files can be read by nobody else; what is there already keeps its rights."""
    before = os.umask(0o022)
    try:
        assert run("token", "create", "--workspace", "W", "--role", "admin").code == 0
        found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert found.pop("gateway.db") == 0o600
        assert set(found.values()) <= {0o600}
        (tmp_path / "gateway.db").chmod(0o640)
        assert run("token", "list").code == 0
        assert (tmp_path / "gateway.db").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)
