"""The real server as a person starts it: `gateway serve --demo`, in a process and a folder of its own, on a free port."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.connecting import free_port
from tests.tokens import check_log

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0


@dataclass(frozen=True)
class Demo:
    """A running `gateway serve --demo` and the token that it printed."""

    url: str
    token: str


@contextmanager
def serve_demo(folder: Path, module: str = "gateway", **settings: str) -> Iterator[Demo]:
    """Serves a new demo database in `folder` by `python -m module`, with `settings` as `GATEWAY_…` variables.

    Fails the test where it doesn't come up.
    """
    port = free_port()
    output, log = folder / "output.txt", folder / "log.txt"
    command = [sys.executable, "-m", module, "serve", "--demo", "--port", str(port)]
    given = {f"GATEWAY_{name.upper()}": value for name, value in settings.items()}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **given}
    with (
        output.open("wb") as told,
        log.open("wb") as logged,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=logged) as process,
    ):
        try:
            yield _wait(process, f"http://127.0.0.1:{port}", output, log)
        finally:
            stop(process)
            check_log(log.read_bytes())


def stop(process: "subprocess.Popen[Any]") -> None:
    """In order, or else by force: nothing of it is left."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def require(path: Path, command: str) -> None:
    """Fail at once and say what to run, in place of a riddle."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing; run: {command}")


def _wait(process: subprocess.Popen[bytes], url: str, output: Path, log: Path) -> Demo:
    """Wait until the server has printed its `curl` line and answers."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        token = re.search(r"^\s*curl .*Bearer ([^\s'\"]+)", output.read_text("utf-8"), re.MULTILINE)
        if token and _answers(f"{url}/api/docs"):
            return Demo(url, token[1])
        time.sleep(0.1)
    state = f"ended with status {process.returncode}" if process.poll() is not None else f"printed no usable curl line in {PATIENCE:.0f} s"
    pytest.fail(f"`gateway serve --demo` {state}; its output:\n{output.read_text('utf-8')}{log.read_text('utf-8')}")


def _answers(url: str) -> bool:
    """Whether a server is there, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True
