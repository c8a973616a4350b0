"""Writes the migration that takes the newest database to what the nouns declare: `python -m gateway.migrations.writing "next step"`."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Connection

from .runner import _config, connected, head, upgrade

_FILLED = re.compile(r"add_column\(sa\.Column\('(\w+)',.*nullable=False(?!.*server_default)")


def write_migration(message: str) -> Path:
    """The file of the new revision, which Alembic has written. Raises SystemExit where it could not fill rows that exist."""
    path = asyncio.run(_written(message))
    unfilled = _FILLED.findall(path.read_text("utf-8"))
    if unfilled:
        path.unlink()
        names = ", ".join(unfilled)
        raise SystemExit(f"{names}: rows that exist have no value for it; declare it `| None`, or write the migration by hand.")
    return path


async def _written(message: str) -> Path:
    made: list[Any] = []

    def revise(connection: Connection) -> None:
        number = f"{int(head()) + 1:04}"
        made.append(command.revision(_config(connection), message, autogenerate=True, rev_id=number))

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/newest.db"
        await upgrade(url)
        async with connected(url) as run:
            await run(revise)
    return Path(made[0].path)


if __name__ == "__main__":
    if not sys.argv[1:]:
        raise SystemExit("Say in a few words what the migration does: make migration MESSAGE='next step'")
    print(f"wrote {write_migration(' '.join(sys.argv[1:]))}: read it, then `make format`")  # noqa: T201  a developer's command
