"""Migrations: Alembic revisions, and the runner that brings a database to the newest one."""

from .packages import MissingMigrations, Package, packages_of
from .runner import head, head_is_current, heads, knows, migration_status, migration_status_of, names_taken, upgrade

__all__ = [
    "MissingMigrations",
    "Package",
    "head",
    "head_is_current",
    "heads",
    "knows",
    "migration_status",
    "migration_status_of",
    "names_taken",
    "packages_of",
    "upgrade",
]
