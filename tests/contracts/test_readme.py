"""README and docs: settings, commands, targets, links and files that they name are there."""

import re
from pathlib import Path

import pytest

from gateway.cli.main import app
from gateway.environment import PREFIX
from gateway.settings import Settings
from tests.contracts.generated import SETTINGS, settings_page
from tests.live_server import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *sorted((ROOT / "docs").glob("*.md"))]


def test_settings() -> None:
    """docs/settings.md is made of the settings' fields."""
    assert SETTINGS.read_text("utf-8") == settings_page()


def test_the_readme_is_short() -> None:
    """It is read by people who don't know yet whether they want this."""
    assert len(README.splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    """What a page links to within the repository is there."""
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables(page: Path) -> None:
    """A variable that a page names is a setting."""
    named = set(re.findall(rf"`{PREFIX}([A-Z_]*[A-Z])[`=]", page.read_text("utf-8")))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_commands() -> None:
    """Each command is named, and each one that is named is there."""
    (line,) = re.findall(r"^`gateway (serve \|.*?)`", README, re.MULTILINE)
    named = {part.split()[0] for part in line.split(" | ")}
    there = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert named == there | {group.name for group in app.registered_groups}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets(page: Path) -> None:
    """`make X` is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for indented, quoted in re.findall(r"^    make (\w+)|`make (\w+)", page.read_text("utf-8"), re.MULTILINE):
        assert re.search(rf"^{indented or quoted}:", makefile, re.MULTILINE), indented or quoted
