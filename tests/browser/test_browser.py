"""The pages in headless Chromium, served by the real `gateway serve --demo`; the steps are in `explorer.mjs` and `docs.mjs`.

`SCREENSHOTS=folder` keeps what they looked like.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE = 60.0
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
MISSING = [name for name in ("node", CHROMIUM) if not shutil.which(name)]

pytestmark = pytest.mark.skipif(bool(MISSING) and "CI" not in os.environ, reason=f"not installed: {', '.join(MISSING)}")


@dataclass(frozen=True)
class Demo:
    """A running `gateway serve --demo` and the token that it printed."""

    url: str
    token: str


def require(path: Path, command: str) -> None:
    """Fail at once and say what to run, in place of a browser's riddle."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing; run: {command}")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether a server is there, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def wait_for_demo(process: subprocess.Popen[bytes], url: str, output: Path) -> Demo:
    """Wait until the server has printed its `curl` line and answers."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        token = re.search(r"^\s*curl .*Bearer ([^\s'\"]+)", output.read_text("utf-8"), re.MULTILINE)
        if token and answers(f"{url}/api/docs"):
            return Demo(url, token[1])
        time.sleep(0.1)
    state = f"ended with status {process.returncode}" if process.poll() is not None else f"printed no usable curl line in {PATIENCE:.0f} s"
    pytest.fail(f"`gateway serve --demo` {state}; its output:\n{output.read_text('utf-8')}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The real server, on a new demo database in a folder of its own."""
    require(ROOT / "gateway/web/dist", "npm --prefix gateway/web ci && npm --prefix gateway/web run build")
    require(HERE / "node_modules", "npm --prefix tests/browser ci")
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    output = folder / "output.txt"
    command = [sys.executable, "-m", "gateway", "serve", "--demo", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as sink, subprocess.Popen(command, cwd=folder, env=environment, stdout=sink, stderr=sink) as process:
        try:
            yield wait_for_demo(process, f"http://127.0.0.1:{port}", output)
        finally:
            process.terminate()


@pytest.mark.parametrize("page", ["explorer", "docs"])
def test_page(demo: Demo, page: str, tmp_path: Path) -> None:
    """A person can use the page: with every other host blocked, no error in the console, and what it should show on the screen."""
    screenshot = Path(os.environ.get("SCREENSHOTS", tmp_path)).resolve() / f"{page}.png"
    command = ["node", f"{page}.mjs", demo.url, demo.token, str(screenshot)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{page}.mjs failed:\n{done.stderr}"
    assert screenshot.stat().st_size > 0
