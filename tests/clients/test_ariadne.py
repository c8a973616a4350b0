"""ariadne-codegen: a typed Python client made from the SDL. It needs an older graphql-core than ours: an environment of its own."""

from pathlib import Path

import pytest

from tests.clients.tools import HERE, run, workplace
from tests.environments import programs_of
from tests.live_server import Demo

LOCK = HERE / "ariadne" / "requirements.lock"


@pytest.fixture(scope="module")
def environment() -> Path:
    """The folder of the environment's programs, made when the lock has changed."""
    return programs_of(LOCK, HERE / ".venv-ariadne")


def test_ariadne_codegen(environment: Path, demo: Demo, sdl: str) -> None:
    """The client is made from the schema, and reads, writes, watches and meets an error with its types."""
    folder = workplace("ariadne")
    (folder / "schema.graphql").write_text(sdl, "utf-8")
    run([environment / "ariadne-codegen"], folder)
    run([environment / "python", "program.py", demo.url, demo.token], folder)
