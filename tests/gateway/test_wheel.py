"""The package as it is installed: whatever the gateway reads when it runs is inside."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.live_server import ROOT

READ = ["gateway/**/*.py", "gateway/migrations/**/*.py", "gateway/web/plain/**/*.*", "gateway/web/dist/**/*.*", "gateway/web/examples/*"]
READ += ["rest_compat/**/*.graphql", "rest_compat/**/*.py", "schema/**/*.py"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in a wheel that was built of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.iterdir()
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("pattern", READ)
def test_what_is_read_is_inside(packed: set[str], pattern: str) -> None:
    """Code, migrations, REST's documents, and the pages, built or plain."""
    found = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file() and "node_modules" not in path.parts}
    assert found or "dist" in pattern
    assert found <= packed


def test_nothing_else_is_inside(packed: set[str]) -> None:
    """Neither tests nor what the pages are built of."""
    assert {Path(name).parts[0] for name in packed if ".dist-info" not in name} == {"gateway", "schema", "rest_compat"}
    assert not [name for name in packed if name.startswith(("gateway/web/src", "gateway/web/package", "gateway/web/node_modules"))]
