"""The demo: an empty database becomes a believable pipeline, and a fresh token opens it. On loopback only, since the token is shown."""

import socket
import sys
import threading
import time
from typing import Any

from sqlalchemy import text

from gateway.auth.keys import Keys, NewKey
from gateway.seed import SeedSpec, seed
from gateway.settings import Settings
from schema.rules.access import Role
from schema.storage.database import Connection, Database

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
    """A new admin's token for the demo's data, filled in where the database is empty. Raises DemoFault where it holds other data."""
    found = await _workspaces(database)
    if found and SPEC.workspace not in found:
        names = ", ".join(sorted(found)[:3])
        raise DemoFault(f"--demo fills an empty database, and this one holds other workspaces ({names}): serve it without --demo")
    if not found.get(SPEC.workspace):
        await seed(database.url, SPEC)
    created = await Keys(database).create(NewKey(SPEC.workspace, Role.ADMIN, "demo", days=TOKEN_DAYS))
    return created.token


async def _workspaces(database: Database) -> dict[str, bool]:
    """The workspaces by name, and whether there is an account in each."""
    clause = database.compile(text("SELECT name, EXISTS (SELECT 1 FROM account WHERE workspace_id = workspace.id) FROM workspace"))

    async def work(connection: Connection) -> Any:
        return await connection.fetch(clause, {})

    return {name: bool(filled) for name, filled in await database.read(work)}


def banner(settings: Settings, token: str) -> str:
    """What the demo tells: the token, a line to paste, and where a browser begins."""
    return (
        f"\nToken     {token}\n\n"
        f"curl -sS -H 'Authorization: Bearer {token}' '{settings.address}/api/opportunities/?limit=5'\n\n"
        f"Browser   {settings.address}/\n"
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
