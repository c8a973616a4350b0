"""The README tells every setting as it is: its default and what it means; and every command and target that it names is there."""

import re

import pytest

from gateway.cli import app
from gateway.environment import PREFIX
from gateway.flags import default_of
from gateway.settings import Settings
from tests.live_server import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ROWS = {row[0]: row[1:] for row in re.findall(rf"^\| `{PREFIX}(\w+)` \| (?:`([^`]*)`)? \| (.+) \|$", README, re.MULTILINE)}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_settings(name: str) -> None:
    """A row a setting, made of its field."""
    field = Settings.model_fields[name]
    default, meaning = ROWS[name.upper()]
    assert default == default_of(field)
    assert meaning == field.description


def test_no_setting_that_is_not_there() -> None:
    """What the README tells can be set."""
    assert {name.lower() for name in ROWS} == set(Settings.model_fields)


def test_commands() -> None:
    """Each command is named, and each one that is named is there."""
    (line,) = re.findall(r"^`gateway (serve \|.*?)`", README, re.MULTILINE)
    named = {part.split()[0] for part in line.split(" | ")}
    there = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert named == there | {group.name for group in app.registered_groups}


def test_targets() -> None:
    """`make X` in the README is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for indented, quoted in re.findall(r"^    make (\w+)|`make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{indented or quoted}:", makefile, re.MULTILINE), indented or quoted
