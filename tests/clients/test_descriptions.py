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


@pytest.fixture(scope="module", params=["openapi", "openapi-3.0"])
def openapi(demo: Demo, request: pytest.FixtureRequest) -> Any:
    with urllib.request.urlopen(f"{demo.url}/api/{request.param}.json", timeout=10) as answer:
        return json.load(answer)


def test_openapi_is_valid(openapi: Any) -> None:
    """Both versions are valid by openapi-spec-validator."""
    assert openapi["openapi"] in {"3.0.3", "3.1.0"}
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
    """graphql-inspector passes the schema against a release that had the same, and names a field that has another name since."""
    (tmp_path / SDL).parent.mkdir(parents=True)
    (tmp_path / SDL).write_text(sdl, "utf-8")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", SDL)
    _git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "First")
    _git(tmp_path, "tag", "v0.0.1")
    released = _released(tmp_path, tmp_path / "released.graphql")
    assert released is not None
    run(_diff(released, tmp_path / SDL))
    (tmp_path / SDL).write_text(sdl.replace("probabilitySource:", "sourceOfProbability:"), "utf-8")
    assert "probabilitySource" in refusal(_diff(released, tmp_path / SDL))


@needs_node
@pytest.mark.usefixtures("packages")
def test_nothing_breaks_since_the_last_release(tmp_path: Path) -> None:
    """Against the schema of the last release's tag, only additions."""
    released = _released(ROOT, tmp_path / "released.graphql")
    if released is None:
        pytest.skip("no release with a schema is tagged yet: there is nothing to compare with")
    run(_diff(released, ROOT / SDL))


def _released(repository: Path, kept: Path) -> Path | None:
    """The schema of the last tag before the present state, written to `kept`; None where there is none."""
    tag = _git(repository, "describe", "--tags", "--abbrev=0")
    text = _git(repository, "show", f"{tag}:{SDL}") if tag else ""
    kept.write_text(text, "utf-8")
    return kept if text else None


def _diff(old: Path, new: Path) -> list[str | Path]:
    return [PROGRAMS / "graphql-inspector", "diff", old, new]


def _git(folder: Path, *arguments: str) -> str:
    """What git says; nothing where it can't, as in a folder without a repository."""
    git = shutil.which("git")
    if not git:
        return ""
    done = subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""
