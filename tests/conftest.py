"""What every test may ask for: a fresh, migrated database on SQLite and on PostgreSQL."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from gateway.migrations import upgrade
from gateway.serving import GENERATION_0
from schema.storage.database import Database
from schema.storage.opening import open_database
from tests.postgres import Postgres, start_postgres
from tests.session_caches import VALIDATE, read_once
from tests.tokens import check_log

FOLDER = "TEST_POSTGRES_FOLDER"
HERE = Path(__file__).parent
#: Folders with files that take some half a minute each.
LONG = {"benchmarks", "browser", "clients", "contracts", "deploy", "end_to_end", "generators", "proxies"}


def migrate(url: str) -> None:
    """Migrates the database at `url`, from code that isn't asynchronous."""
    asyncio.run(upgrade(url))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The one PostgreSQL of this test run."""
    server = start_postgres(Path(os.environ[FOLDER]))
    server.ensure_template(migrate)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database's address."""
    shutil.copyfile(sqlite_template, tmp_path / "gateway.db")
    return f"sqlite:///{tmp_path / 'gateway.db'}"


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database's address."""
    with postgres_server.lent() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database's address: the test runs once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated, open database: the test runs once on each kind."""
    opened = open_database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        read_once(patch)
        yield


@pytest.fixture
def validated_each_time(_read_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found valid is looked at again: for tests that ask how long it takes."""
    monkeypatch.setattr("schema.engine.document.documents.validate", VALIDATE)


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    """What a file's tests leave to the garbage collector is collected at the file's end, and fails it: warnings are errors here."""
    yield
    gc.collect()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that aren't text name no test: gzip's hold the time of day, and xdist's workers must find the same tests."""
    return argname if isinstance(val, bytes) and not val.decode("latin-1").isprintable() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start servers and programs come first: begun last, one of them would keep one worker busy while the other has no more."""
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] not in LONG)


def pytest_collection_finish() -> None:
    """The collector looks at what was imported no more, and seldom at the rest, as in servers: it took a third of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GENERATION_0, *gc.get_threshold()[1:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that logs a token fails: what this process wrote is looked through as what the servers wrote is."""
    report = yield
    try:
        for _, written in report.sections:
            check_log(written)
    except AssertionError as error:
        report.outcome, report.longrepr = "failed", str(error)
    return report


def pytest_configure() -> None:
    """Names the folder of the run's PostgreSQL; xdist's workers inherit the name, so they share the server.

    Whatever hypothesis draws is the same in each run, however long it takes: who looks for more runs the long forms.
    """
    settings.register_profile("alike", derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("alike")
    # As the servers' logs: structlog's own choice shows what variables held, tokens among it.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    os.environ.setdefault(FOLDER, str(Path(tempfile.gettempdir()) / f"gateway-postgres-{os.getpid()}"))


def pytest_unconfigure() -> None:
    """The run's PostgreSQL leaves nothing behind; xdist's workers leave that to the process that started them."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)
