"""The page of bounds says what the code has."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from gateway.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "bounds.md").read_text("utf-8")
CONSTANTS = re.findall(r"`([a-z_.]+)\.([A-Z_]+)` = ([0-9.]+)", PAGE)


@pytest.mark.parametrize(("module", "name", "value"), CONSTANTS)
def test_constants(module: str, name: str, value: str) -> None:
    """Each constant exists and has the value that the page tells."""
    assert getattr(import_module(module), name) == float(value)


def test_settings() -> None:
    """Each setting that the page names exists."""
    named = {name.removeprefix("GATEWAY_").lower() for name in re.findall(r"`(GATEWAY_[A-Z_]+)`", PAGE)}
    assert named
    assert named <= set(Settings.model_fields)


def test_every_cache_is_listed() -> None:
    """The page has a row for each bounded cache of the code, by the module of its bounds."""
    listed = {module for module, _, _ in CONSTANTS}
    root = Path(__file__).parents[2]
    sources = [path for room in ("gateway", "schema", "rest_compat") for path in (root / room).rglob("*.py")]
    users = {path: text for path in sources if re.search(r" = (SizedCache|TokenCache|EventResponses)\(", text := path.read_text("utf-8"))}
    for path, text in users.items():
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        imported = re.findall(r"from (\.+)([a-z_.]+) import", text)
        near = {f"{'.'.join(module.split('.')[: -len(dots)])}.{name}" for dots, name in imported}
        assert listed & {module, *near}, path
