"""Writes the migration that takes the newest database to what the nouns declare: `python -m gateway.migrations.autogenerate "next step"`.

With `--package tasks` it is that of a package that declares nouns, in the package's own folder.
"""

import argparse
import asyncio
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.operations.ops import MigrationScript
from sqlalchemy import Connection

from schema.engine.declare.base import NOUNS
from schema.engine.declare.derive import derive
from schema.extensions import ExtensionError, load
from schema.storage.tables import tables_of
from schema.values import Object, Value

from .names import name_constraints
from .packages import MissingMigrations, Package, package_of, packages_before
from .runner import _config, connected, head, heads, upgrade

_FILLED = re.compile(r"add_column\(sa\.Column\('(\w+)',.*nullable=False(?!.*server_default)")


def write_migration(message: str, package: Package | None = None) -> Path:
    """The file of the new revision, which Alembic has written. Raises SystemExit where it could not fill rows that exist."""
    path = asyncio.run(_written(message, package))
    unfilled = _FILLED.findall(path.read_text("utf-8"))
    if unfilled:
        path.unlink()
        names = ", ".join(unfilled)
        raise SystemExit(f"{names}: rows that exist have no value for it; declare it `| None`, or write the migration by hand.")
    return path


async def _written(message: str, package: Package | None) -> Path:
    made: list[Value] = []
    before = [] if package is None else packages_before(package)
    is_first = package not in before

    def revise(connection: Connection) -> None:
        config = _config(connection, [package] if package is not None else [])
        config.attributes["tables"] = tables_of("schema" if package is None else package.module)
        options = {"process_revision_directives": _name_all, **_place(package, is_first=is_first)}
        made.append(command.revision(config, message, autogenerate=True, **options))

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/newest.db"
        await upgrade(url, before)
        async with connected(url) as run:
            await run(revise)
    return Path(made[0].path)


def _name_all(_: Value, __: Value, scripts: Sequence[MigrationScript]) -> None:
    for script in scripts:
        name_constraints(script)


def _place(package: Package | None, *, is_first: bool) -> Object:
    """Which revision it is, after which, and where it goes."""
    if package is None:
        return {"rev_id": f"{int(head()) + 1:04}", "head": head()}
    if is_first:
        package.folder.mkdir(exist_ok=True)
        beside = {"branch_label": package.label, "version_path": str(package.folder)}
        return {"rev_id": f"{package.label}_0001", "head": "base", **beside}
    newest = heads([package])[package.label]
    return {"rev_id": f"{package.label}_{int(newest.rpartition('_')[2]) + 1:04}", "head": newest, "version_path": str(package.folder)}


def _asked() -> tuple[str, Package | None]:
    """Return the message and the package that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m gateway.migrations.autogenerate", description="Write the migration that is missing.")
    parser.add_argument("message", nargs="+", help="what the migration does, in a few words")
    parser.add_argument("--package", metavar="MODULE", help="the package that declares the nouns; the gateway itself if it is left out")
    given = parser.parse_args()
    try:
        package = None if given.package is None else package_of(load([given.package])[0])
        derive([noun for noun in NOUNS.values() if noun.output is None])
    except (ExtensionError, MissingMigrations, TypeError) as error:
        parser.error(str(error))
    return " ".join(given.message), package


if __name__ == "__main__":
    print(f"wrote {write_migration(*_asked())}: read it, and keep it")  # noqa: T201  a developer's command
