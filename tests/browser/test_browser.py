"""The pages in headless Chromium, served by the real `gateway serve --demo`; the steps are in `explorer.mjs` and `docs.mjs`.

`SCREENSHOTS=folder` keeps what they looked like; `make screenshot` does so for the README.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_server import ROOT, Demo, require, serve_demo

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
MISSING = [name for name in ("node", CHROMIUM) if not shutil.which(name)]

pytestmark = pytest.mark.skipif(bool(MISSING) and "CI" not in os.environ, reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The real server, on a new demo database in a folder of its own."""
    require(ROOT / "gateway/web/dist", "npm --prefix gateway/web ci && npm --prefix gateway/web run build")
    require(HERE / "node_modules", "npm --prefix tests/browser ci")
    with serve_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.mark.parametrize("page", ["explorer", "docs"])
def test_page(demo: Demo, page: str, tmp_path: Path) -> None:
    """A person can use the page: with every other host blocked, no error in the console, and what it should show on the screen."""
    screenshot = Path(os.environ.get("SCREENSHOTS", tmp_path)).resolve() / f"{page}.png"
    command = ["node", f"{page}.mjs", demo.url, demo.token, str(screenshot)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{page}.mjs failed:\n{done.stderr}"
    assert 20_000 < screenshot.stat().st_size < 200_000
