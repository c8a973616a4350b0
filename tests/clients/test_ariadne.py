"""ariadne-codegen: a typed Python client made from the SDL. It needs an older graphql-core than ours: an environment of its own."""

import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.clients.tools import HERE, run, workplace
from tests.live_server import Demo

LOCK = HERE / "ariadne" / "requirements.lock"


@pytest.fixture(scope="module")
def environment() -> Path:
    """The folder of the environment's programs, made when the lock has changed."""
    folder = HERE / ".venv-ariadne"
    stamp, wanted = folder / "lock.sha256", sha256(LOCK.read_bytes()).hexdigest()
    programs = folder / "bin"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", folder])
        run([programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", LOCK])
        stamp.write_text(wanted, "utf-8")
    return programs


def test_ariadne_codegen(environment: Path, demo: Demo, sdl: str) -> None:
    """The client is made from the schema, and reads, writes, watches and meets an error with its types."""
    folder = workplace("ariadne")
    (folder / "schema.graphql").write_text(sdl, "utf-8")
    run([environment / "ariadne-codegen"], folder)
    run([environment / "python", "program.py", demo.url, demo.token], folder)
