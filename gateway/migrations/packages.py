"""The migrations of packages that declare nouns: a branch each, whose revisions are named `<package>_0001`, in the package's own folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from alembic.util import CommandError

_OF_PACKAGE = re.compile(r"([a-z][a-z0-9_]*)_\d{4}")


class MissingMigrations(ValueError):
    """A package has nouns and no migrations, or none that could be found by its name."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package with migrations: the label of its branch, its module, and the folder."""

    label: str
    module: str
    folder: Path

    @property
    def head(self) -> str:
        """Alembic's name for the newest revision of the branch."""
        return f"{self.label}@head"


def packages_of(modules: Sequence[str]) -> tuple[Package, ...]:
    """The packages among these extensions that have tables, in the order of migrating.

    Raises MissingMigrations for one without any migration, and where one can't be loaded.
    """
    if not modules:
        return ()
    from schema.extensions import ExtensionError, load  # noqa: PLC0415  the graph is only there for those who extend it

    try:
        found = tuple(map(package_of, in_order([each for each in load(modules) if each.nouns])))
    except ExtensionError as error:
        raise MissingMigrations(str(error)) from error
    for package in found:
        if not any(package.folder.glob("*.py")):
            command = f"python -m gateway.migrations.autogenerate --package {package.module} 'first tables'"
            raise MissingMigrations(f"{package.module} has no migrations yet: {command}")
    return found


def packages_before(package: Package) -> list[Package]:
    """The packages whose tables a package's next revision builds on, in the order of migrating, itself last if it has revisions."""
    from schema.extensions import extensions_imported  # noqa: PLC0415  as above

    found = list(map(package_of, in_order([each for each in extensions_imported() if each.nouns])))
    return [each for each in found[: found.index(package) + 1] if any(each.folder.glob("*.py"))]


def in_order(extensions: Sequence[Any]) -> Sequence[Any]:
    """The extensions so that each comes after those to whose tables its own refer. Raises MissingMigrations for a circle."""
    owners = {noun.row.__table__.name: each for each in extensions for noun in each.nouns}

    def before(extension: Any) -> set[Any]:
        keys = [key for noun in extension.nouns for key in noun.row.__table__.foreign_keys]
        return {owners[table] for key in keys if (table := key.target_fullname.partition(".")[0]) in owners} - {extension}

    try:
        return tuple(TopologicalSorter({each: before(each) for each in extensions}).static_order())
    except CycleError as error:
        names = " → ".join(each.name for each in error.args[1])
        raise MissingMigrations(f"tables refer to each other in a circle, {names}: put these nouns into one package") from error


def package_of(extension: Any) -> Package:
    """The package of an extension that declares nouns. Raises MissingMigrations for a name that can't be that of a branch."""
    if extension.migrations is None:
        raise MissingMigrations(f"{extension.module} declares no noun, so it has no tables to migrate")
    if _OF_PACKAGE.fullmatch(f"{extension.name}_0001") is None:
        raise MissingMigrations(f"{extension.module}: the name {extension.name!r} names its migrations: take small letters, digits and _")
    return Package(extension.name, extension.module, extension.migrations)


def is_of_missing(script: ScriptDirectory, revision: str) -> bool:
    """Whether a revision belongs to a package that isn't loaded."""
    return label_of(revision) is not None and not is_known(script, revision)


def label_of(revision: str) -> str | None:
    """The package of a revision, by its name; None for one of the gateway's own."""
    named = _OF_PACKAGE.fullmatch(revision)
    return named[1] if named else None


def is_known(script: ScriptDirectory, revision: str) -> bool:
    """Whether the revisions that are here have this one."""
    try:
        return script.get_revision(revision) is not None
    except CommandError:
        return False


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """A database's migration status: the packages (or the gateway itself) whose newest revision it lacks, and those that aren't loaded."""

    behind: Sequence[str]
    unloaded: Sequence[str]

    def __str__(self) -> str:
        sentences = []
        if self.behind:
            sentences.append(f"The database is not at the newest revision of {', '.join(self.behind)}: run `gateway migrate`.")
        if self.unloaded:
            names = ", ".join(self.unloaded)
            sentences.append(f"The database has tables of {names}, which GATEWAY_EXTENSIONS doesn't name: they are left as they are.")
        return " ".join(sentences)
