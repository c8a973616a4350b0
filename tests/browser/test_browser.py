"""The pages in headless Chromium, served by the real `gateway serve --demo` below a prefix; the steps are in `*.mjs`.

`SCREENSHOTS=folder` keeps what they looked like; `make screenshot` does so for the README.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.pages import is_built
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Role
from schema.storage.opening import open_database
from tests.live_server import Demo, require, serve_demo

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
MISSING = [name for name in ("node", CHROMIUM) if not shutil.which(name)]

pytestmark = pytest.mark.skipif(bool(MISSING) and "CI" not in os.environ, reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo has its database."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    """The real server behind a proxy that it trusts, on a new demo database in a folder of its own."""
    if not is_built():
        pytest.fail("The pages are not built; run: npm --prefix gateway/web ci && npm --prefix gateway/web run build")
    require(HERE / "node_modules", "npm --prefix tests/browser ci")
    with serve_demo(folder, trusted_proxies="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def empty(demo: Demo, folder: Path) -> str:
    """A token of a workspace without deals, in the database that the demo serves."""
    assert demo

    async def make() -> str:
        database = open_database(f"sqlite:///{folder / 'gateway.db'}")
        await database.open()
        try:
            return (await ApiKeys(database).create(NewKey("Empty", Role.VIEWER, "browser tests"))).token
        finally:
            await database.close()

    return asyncio.run(make())


@pytest.mark.parametrize("page", ["start", "explorer", "docs"])
def test_page(demo: Demo, empty: str, page: str, tmp_path: Path) -> None:
    """A person can use the page: with every other host blocked, no error in the console, and what it should show on the screen."""
    screenshot = Path(os.environ.get("SCREENSHOTS", tmp_path)).resolve() / f"{page}.png"
    command = ["node", f"{page}.mjs", demo.url, demo.token, empty, str(screenshot)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{page}.mjs failed:\n{done.stderr}"
    assert 20_000 < screenshot.stat().st_size < 150_000
