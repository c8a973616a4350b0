"""What the server says of itself, judged by others: OpenAPI by its validator and by spectral, the SDL by graphql-inspector."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.clients.tools import HERE, PROGRAMS, needs_node, refusal, run
from tests.live_server import ROOT, Demo

SDL = "tests/contracts/schema.graphql"


@pytest.fixture(scope="module")
def openapi(demo: Demo) -> Any:
    with urllib.request.urlopen(f"{demo.url}/api/openapi.json", timeout=10) as answer:
        return json.load(answer)


def test_openapi_is_valid(openapi: Any) -> None:
    """It is OpenAPI 3.1 by openapi-spec-validator."""
    assert openapi["openapi"].startswith("3.1.")
    validate(openapi)


@needs_node
@pytest.mark.usefixtures("packages")
def test_openapi_is_good(openapi: Any, tmp_path: Path) -> None:
    """Spectral finds not even a hint; off are its rules on slashes at the end of paths, and on whom to contact (the operator's to say)."""
    (tmp_path / "openapi.json").write_text(json.dumps(openapi), "utf-8")
    run([PROGRAMS / "spectral", "lint", "--ruleset", HERE / "spectral.json", "--fail-severity", "hint", tmp_path / "openapi.json"])


@needs_node
@pytest.mark.usefixtures("packages")
def test_a_breaking_change_is_named(sdl: str, tmp_path: Path) -> None:
    """graphql-inspector passes the schema against itself, and names a field that has another name."""
    (tmp_path / "old.graphql").write_text(sdl, "utf-8")
    (tmp_path / "new.graphql").write_text(sdl.replace("probabilitySource:", "sourceOfProbability:"), "utf-8")
    run(_diff(tmp_path / "old.graphql", tmp_path / "old.graphql"))
    assert "probabilitySource" in refusal(_diff(tmp_path / "old.graphql", tmp_path / "new.graphql"))


@needs_node
@pytest.mark.usefixtures("packages")
def test_nothing_breaks_since_the_last_release(tmp_path: Path) -> None:
    """Against the schema of the last release's tag, only additions."""
    tag = _git("describe", "--tags", "--abbrev=0")
    if not tag:
        pytest.skip("no release is tagged yet: there is nothing to compare with")
    released = _git("show", f"{tag}:{SDL}")
    if not released:
        pytest.skip(f"{tag} has no {SDL}")
    (tmp_path / "released.graphql").write_text(released, "utf-8")
    run(_diff(tmp_path / "released.graphql", ROOT / SDL))


def _diff(old: Path, new: Path) -> list[str | Path]:
    return [PROGRAMS / "graphql-inspector", "diff", old, new]


def _git(*arguments: str) -> str:
    """What git says; nothing where it can't, as in a folder without a repository."""
    git = shutil.which("git")
    if not git:
        return ""
    done = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""
