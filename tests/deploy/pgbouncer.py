"""PgBouncer as deploy/pgbouncer.ini sets it, before a test's PostgreSQL."""

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.connecting import free_port
from tests.deploy.tools import need, running, substituted

#: Settings of the file that are told apart from a test's own.
_OWN = ("listen_addr", "listen_port", "auth_type", "auth_file")


@contextmanager
def pgbouncer(database_url: str, **changed: str) -> Iterator[str]:
    """The address of the database behind PgBouncer, with some settings of its file changed."""
    program, port = need("pgbouncer"), free_port()
    parts = urlsplit(database_url)
    place, name = parse_qs(parts.query)["host"][0], parts.path.strip("/")
    # It doesn't run as root, so its folder is another user's.
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    try:
        folder.chmod(0o755)
        own = {"listen_addr": "127.0.0.1", "listen_port": str(port), "auth_type": "any", "unix_socket_dir": "", **changed}
        text = substituted(
            "pgbouncer.ini", **{"host=postgres port=5432 dbname=gateway": f"host={place} dbname={name} user={parts.username}"}
        )
        for setting, value in own.items():
            text = re.sub(rf"^{setting} = .*\n", "", text, flags=re.MULTILINE) + f"{setting} = {value}\n"
        text = re.sub(r"^auth_file = .*\n", "", text, flags=re.MULTILINE)
        (folder / "pgbouncer.ini").write_text(text)
        # The server's socket is its owner's alone.
        user = ["-u", Path(place).owner()] if os.geteuid() == 0 else []
        with running([program, *user, folder / "pgbouncer.ini"], folder, lambda: _answers(port)):
            yield f"postgresql://{parts.username}@127.0.0.1:{port}/gateway"
    finally:
        shutil.rmtree(folder)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
