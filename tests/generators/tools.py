"""Making a client with a generator, compiling it, and where its programs come from. What a machine lacks is told by name."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.clients.tools import run
from tests.environments import programs_of
from tests.live_server import ROOT, Demo, require

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "node_modules" / ".bin"
#: Where clients are made, out of the programs that use them and what is generated beside those.
MADE: Final = HERE / "generated"
LOCK: Final = HERE / "requirements.lock"
PATIENCE: Final = 600

Command = list[str | Path]


def workplace(name: str) -> Path:
    """A fresh folder with the program that uses the client; the client goes into `generated` in it."""
    folder = MADE / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / name, folder)
    shutil.copy(HERE / "round-trip.ts", MADE)
    return folder


def needs(program: str, *arguments: str, of: str = "") -> str:
    """The program, which the test is skipped without; with `arguments` it must also end with status 0."""
    found = shutil.which(program)
    if not found or (arguments and subprocess.run([found, *arguments], capture_output=True, check=False).returncode):
        pytest.skip(f"not installed: {of or program}")
    return found


def needs_packages() -> None:
    """The npm packages are installed, where there is a node at all."""
    needs("node")
    require(HERE / "node_modules", "npm --prefix tests/generators ci")


def environment() -> Path:
    """The programs of generators in Python, in an environment of their own, made when the lock has changed."""
    return programs_of(LOCK, HERE / ".venv-generators")


def generator_jar() -> Path:
    """OpenAPI Generator itself."""
    return next(environment().parent.rglob("openapi-generator.jar"))


def openapi_generator(generator: str, folder: Path, *options: str) -> None:
    """Make a client with OpenAPI Generator, which reads 3.0.3 best; it finds no fault with the description."""
    source = ROOT / "tests" / "contracts" / "openapi-3.0.json"
    command: Command = [needs("java"), "-jar", generator_jar(), "generate", "-g", generator, "-i", source, "-o", folder / "generated"]
    run([*command, *options], folder, patience=PATIENCE)


def typescript(folder: Path, demo: Demo) -> None:
    """Check the types of a program with its client in strict mode, bundle both, and run them."""
    settings = ["-p", ".", "--rootDir", ".."]
    (folder / "tsconfig.json").write_text('{"extends": "../../tsconfig.json", "include": ["client.ts"]}', "utf-8")
    run([PROGRAMS / "tsc", *settings], folder)
    bundled = ["--bundle", "--platform=node", "--format=esm", "--outfile=client.mjs", "--log-level=error"]
    # Packages are found at run time: some of them don't like to be bundled.
    run([PROGRAMS / "esbuild", "client.ts", *bundled, "--packages=external"], folder)
    run(["node", "client.mjs", demo.url, demo.token], folder)


Make = Callable[[Demo], None]


def all_wanted() -> bool:
    """Whether the slow ones are run, too: `make generators`."""
    return os.environ.get("GENERATORS") == "all"


def only(names: Sequence[str]) -> pytest.MarkDecorator:
    """Skips what is not among the quick ones, unless all are wanted."""
    return pytest.mark.skipif(not all_wanted(), reason=f"slow: `make generators` runs it ({', '.join(names)} are run always)")
