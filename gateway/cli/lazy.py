"""Modules that commands use, each imported at its first use: importing all of them takes a second, which `--help` should not wait for."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway import app, extension_packages, graph_settings, migrations, seed, serving
    from gateway.cli import backups, command_errors, demo, explain_command, translate_commands
    from gateway.cli.doctor import examination
    from gateway.observability import logs
    from schema.administration import audit_report, keys, usage_report, workspaces
    from schema.persons import erasure, export, person
    from schema.storage import database, manifest, opening
    from schema.storage.postgresql import wiping as postgresql_wiping
    from schema.storage.sqlite import file
    from schema.storage.sqlite import wiping as sqlite_wiping

_PLACES: Final = {
    "gateway": ("app", "extension_packages", "graph_settings", "migrations", "seed", "serving"),
    "gateway.cli": ("backups", "demo", "command_errors", "explain_command", "translate_commands"),
    "gateway.cli.doctor": ("examination",),
    "gateway.observability": ("logs",),
    "schema.administration": ("audit_report", "keys", "usage_report", "workspaces"),
    "schema.persons": ("erasure", "person", "export"),
    "schema.storage": ("database", "manifest", "opening"),
    "schema.storage.sqlite": ("file",),
    "schema.storage.postgresql.wiping": ("postgresql_wiping",),
    "schema.storage.sqlite.wiping": ("sqlite_wiping",),
}


def __getattr__(name: str) -> ModuleType:
    """The module of one of these names. Raises AttributeError for others."""
    for place, names in _PLACES.items():
        if name in names:
            return import_module(place if place.endswith(".wiping") else f"{place}.{name}")
    raise AttributeError(name)
