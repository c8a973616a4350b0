"""Programs that the files of deploy/ are for: found, started and ended."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.connecting import PATIENCE
from tests.live_server import ROOT

DEPLOY: Final = ROOT / "deploy"
#: Daemons are where a user's search path often doesn't lead; what pip installs is beside Python.
PATH: Final = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
#: Files of this folder are their owner's alone; a program that gives up root reads them as somebody else.
READABLE: Final = 0o755


def need(program: str) -> str:
    """The program's path; skips the test where the machine lacks it, by its name."""
    found = shutil.which(program, path=PATH)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def run(*command: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """What a program printed and how it ended; it has a minute."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False, **options)


def substituted(file: str, **replaced: str) -> str:
    """A file of deploy/ with these parts replaced, each of which must be in it."""
    text = (DEPLOY / file).read_text("utf-8")
    for old, new in replaced.items():
        assert old in text, f"{old} is not in {file}"
        text = text.replace(old, new)
    return text


@contextmanager
def running(command: Sequence[str | Path], folder: Path, ready: Callable[[], bool], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that is `ready`. Raises RuntimeError with what it printed where it ends before, or takes too long."""
    log = folder / f"{Path(command[0]).name}.txt"
    with (
        log.open("ab") as sink,
        subprocess.Popen([str(part) for part in command], cwd=folder, stdout=sink, stderr=sink, **options) as process,
    ):
        try:
            until = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(log.read_text("utf-8"))
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
