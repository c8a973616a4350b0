"""Running what others wrote: programs of the npm packages beside this file, with what they said where they fail."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live_server import Demo

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
GENERATED = HERE / "generated"
PATIENCE = 120

needs_node = pytest.mark.skipif(not shutil.which("node") and "CI" not in os.environ, reason="not installed: node")


def run(command: list[str | Path], folder: Path = HERE, *, patience: float = PATIENCE, **environment: str) -> str:
    """What a program printed. Fails the test, with all that it said, where its status isn't 0."""
    done = _done(command, folder, environment, patience)
    if done.returncode:
        pytest.fail(f"{Path(command[0]).name} ended with status {done.returncode}:\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done.stdout


def refusal(command: list[str | Path], folder: Path = HERE) -> str:
    """What a program said that should fail, and did."""
    done = _done(command, folder, {}, PATIENCE)
    assert done.returncode, f"{Path(command[0]).name} found nothing wrong:\n{done.stdout}"
    return done.stdout + done.stderr


def script(name: str, demo: Demo) -> str:
    """What one of the scripts in this folder printed."""
    return run(["node", name, demo.url, demo.token])


def workplace(name: str, *more: str) -> Path:
    """A fresh folder in which a generator may write, with the files of the folder `name` in it; packages are found from there."""
    folder = GENERATED / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / name, folder)
    for file in more:
        shutil.copy(HERE / file, folder)
    return folder


def _done(command: list[str | Path], folder: Path, environment: dict[str, str], patience: float) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=patience, check=False)
