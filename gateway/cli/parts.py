"""What commands work with, by module. Each is imported when a command first asks for it: they take a second that `--help` needn't wait."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway import app, extending, graphs, migrations, seed, serving
    from gateway.cli import backups, demo, ending, explaining, translating
    from gateway.cli.doctor import examination
    from gateway.observability import logs
    from schema.administration import audit_report, keys, usage_report, workspaces
    from schema.persons import erasing, exporting, person
    from schema.storage import database, manifest, opening
    from schema.storage.postgresql import wiping as postgresql_wiping
    from schema.storage.sqlite import wiping as sqlite_wiping

__all__ = [
    "app",
    "audit_report",
    "backups",
    "database",
    "demo",
    "ending",
    "erasing",
    "examination",
    "explaining",
    "exporting",
    "extending",
    "graphs",
    "keys",
    "logs",
    "manifest",
    "migrations",
    "opening",
    "person",
    "postgresql_wiping",
    "seed",
    "serving",
    "sqlite_wiping",
    "translating",
    "usage_report",
    "workspaces",
]

_PLACES: Final = {
    "gateway": ("app", "extending", "graphs", "migrations", "seed", "serving"),
    "gateway.cli": ("backups", "demo", "ending", "explaining", "translating"),
    "gateway.cli.doctor": ("examination",),
    "gateway.observability": ("logs",),
    "schema.administration": ("audit_report", "keys", "usage_report", "workspaces"),
    "schema.persons": ("erasing", "person", "exporting"),
    "schema.storage": ("database", "manifest", "opening"),
    "schema.storage.postgresql.wiping": ("postgresql_wiping",),
    "schema.storage.sqlite.wiping": ("sqlite_wiping",),
}


def __getattr__(name: str) -> ModuleType:
    """The module of a name in `__all__`. Raises AttributeError for others."""
    for place, names in _PLACES.items():
        if name in names:
            return import_module(place if place.endswith(".wiping") else f"{place}.{name}")
    raise AttributeError(name)
