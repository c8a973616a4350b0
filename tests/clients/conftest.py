"""One real server for all clients; each makes the records that it changes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.tools import HERE, run
from tests.live_server import ROOT, Demo, require, serve_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with serve_demo(tmp_path_factory.mktemp("clients")) as running:
        yield running


@pytest.fixture(scope="session")
def packages() -> None:
    """The npm packages are installed."""
    require(HERE / "node_modules", "npm --prefix tests/clients ci")


@pytest.fixture(scope="session")
def sdl() -> str:
    """The schema as `gateway schema` prints it."""
    return run([sys.executable, "-m", "gateway", "schema"], Path(ROOT))
