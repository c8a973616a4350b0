"""Programs in Python that tests run and that can't share our environment: each set of them in one of its own, as a lock says."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 600


def programs_of(lock: Path, folder: Path) -> Path:
    """The folder of the programs that a lock names, installed into `folder` when the lock has changed. Raises CalledProcessError."""
    stamp, wanted = folder / "lock.sha256", sha256(lock.read_bytes()).hexdigest()
    with _alone(folder.with_suffix(".lock")):
        if not stamp.exists() or stamp.read_text("utf-8") != wanted:
            _install(lock, folder)
            stamp.write_text(wanted, "utf-8")
    return folder / "bin"


def _install(lock: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=PATIENCE)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    install = ["install", "-q", "--disable-pip-version-check", "--no-compile", "--require-hashes", "-r", lock]
    subprocess.run([*pip, *install], check=True, timeout=PATIENCE)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, of those that run tests beside one another."""
    with path.open("w") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
