"""The engine knows no noun: it neither imports one (`lint-imports`) nor names one, so that a new noun needs no change of it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "schema"
NOUNS = re.compile(r"opportunit|\bdeals?\b|stages?\b|accounts?\b|contacts?\b|contactIds", re.IGNORECASE)
#: A description for clients has an example.
TOLD_TO_CLIENTS = {"engine/declare/errors.py"}
FILES = [path for room in ("engine",) for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_noun_is_named(path: Path) -> None:
    """No line of the engine speaks of opportunities, stages, accounts or contacts, comments included."""
    if str(path.relative_to(ROOT)) not in TOLD_TO_CLIENTS:
        lines = path.read_text("utf-8").splitlines()
        assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if NOUNS.search(line)] == []
