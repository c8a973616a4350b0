"""The demo: an empty database becomes a believable pipeline, and a fresh token opens it. On loopback only, since the token is shown."""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from gateway.seed import SeedSpec, seed
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.administration.workspaces import names as workspaces_of
from schema.rules.access import Role
from schema.storage.database import Database, sqlite_path

SPEC = SeedSpec(workspace="Demo", opportunities=200, accounts=40, users=8, contacts=120, seed=2026)
TOKEN_DAYS = 7
_POLL_SECONDS = 0.05


class DemoFault(Exception):
    """There can be no demo here: the message says why, for whoever typed it."""


def check_loopback(settings: Settings) -> None:
    """Raises DemoFault unless these settings listen on loopback."""
    if not settings.loopback:
        raise DemoFault(f"--demo shows a token to whoever comes, so it listens on loopback only, and {settings.host} is not")


async def prepare(database: Database) -> str:
    """An admin's token for the demo's data, filled in where the database is empty. Raises DemoFault where it holds other data.

    Beside a SQLite file it is kept for the next start, so that what was pasted once goes on working.
    """
    found = await workspaces_of(database)
    if found and SPEC.workspace not in found:
        names = ", ".join(sorted(found)[:3])
        raise DemoFault(f"--demo fills an empty database, and this one holds other workspaces ({names}): serve it without --demo")
    if not found.get(SPEC.workspace):
        await seed(database.url, SPEC)
    keys, kept = ApiKeys(database), _kept_token(database)
    if kept is not None and kept.exists() and await keys.opens(token := kept.read_text("ascii", "replace").strip()):
        return token
    created = await keys.create(NewKey(SPEC.workspace, Role.ADMIN, "demo", days=TOKEN_DAYS))
    if kept is not None:
        _write_private(kept, created.token)
    return created.token


def _kept_token(database: Database) -> Path | None:
    """Return the path of the token's file; None if the data is on a server."""
    path = sqlite_path(database.url)
    return None if path is None else path.with_name(f"{path.name}.demo-token")


def _write_private(path: Path, text: str) -> None:
    """Writes a file that nobody else may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text + "\n")


def banner(settings: Settings, token: str) -> str:
    """The text that the demo prints: the token, a command to paste, and the address for a browser."""
    path = sqlite_path(settings.database_url)
    begin_anew = "" if path is None else f"Data      {path.resolve()} (delete it to begin anew)\n"
    return (
        f"\nToken     {token}\n\n"
        f"export TOKEN={token}\n"
        f"curl -sS -H 'Authorization: Bearer {token}' '{settings.address}/api/opportunities/?limit=5'\n\n"
        f"Browser   {settings.address}/\n"
        f"Explorer  {settings.address}/graphql\n"
        f"REST      {settings.address}/api/docs\n"
        f"{begin_anew}"
    )


def announce(settings: Settings, token: str) -> None:
    """Prints the banner as soon as the port answers, so that the line works when it is there to be pasted."""

    def wait() -> None:
        while not _answers(settings.host, settings.port):
            time.sleep(_POLL_SECONDS)
        sys.stdout.write(banner(settings, token) + "\n")
        sys.stdout.flush()

    threading.Thread(target=wait, daemon=True, name="demo-banner").start()


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
