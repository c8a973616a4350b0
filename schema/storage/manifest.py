"""The manifest of a backup: its contents, the version that made it, and its checksum. It is a JSON file beside the backup."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import orjson
from pydantic import StringConstraints, TypeAdapter

from schema.values import Value

FORMAT: Final = 1
SUFFIX: Final = ".manifest.json"
PORTION: Final = 1 << 20
"""Bytes that are read at once."""
MOST_BYTES: Final = 64_000_000
"""A manifest has a line a workspace; what is longer is none."""

ReportBytes = Callable[[int, int], None]
"""A function called with the bytes done, and the bytes in all."""


Line: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[ -~]*$")]
"""A text that is shown to people: it has no terminal control codes."""


class BackupRefused(Exception):
    """The backup or restore is refused; the message says what to do instead."""


class BackupFailed(Exception):
    """The database, a tool or the disk did not do its part; nothing half-done was left, unless the message says what and how to end it."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Facts about a database in the snapshot that is backed up. `workspaces` are revisions by id, `schema` its migrations."""

    schema: list[str]
    epoch: int
    workspaces: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a backup. `database` is `sqlite` or `postgresql`, `taken_at` in UTC, `gateway` the version that took it."""

    format: Literal[1]
    database: Line
    taken_at: Line
    gateway: Line
    schema: list[Line]
    epoch: int
    workspaces: dict[str, int]
    size: int
    sha256: str

    def encoded(self) -> bytes:
        """Return the JSON of the manifest."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


_MANIFEST: Final = TypeAdapter(Manifest)


def manifest_path(file: Path) -> Path:
    """Return the path of a backup's manifest."""
    return file.with_name(file.name + SUFFIX)


def read_manifest(file: Path) -> Manifest:
    """Return the manifest of a backup. Raises BackupRefused if it is missing or unreadable."""
    if not file.is_file():
        raise BackupRefused(f"there is no backup {file}")
    path = manifest_path(file)
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise BackupRefused(
            f"{file} has no manifest: {path} is missing. A copy that was made by other means is put in place by hand;"
            " then run gateway epoch --new, so that cursors of before are refused"
        )
    try:
        text = path.read_bytes()
        _check_format(orjson.loads(text)["format"])
        return _MANIFEST.validate_json(text, strict=True)
    except (ValueError, TypeError, KeyError) as error:
        raise BackupRefused(f"{path} is not the manifest of a backup") from error


def _check_format(format_: Value) -> None:
    if isinstance(format_, int) and format_ > FORMAT:
        raise BackupRefused(f"the manifest has format {format_}, and this version reads format {FORMAT}: restore it with a newer one")


def digest(file: Path, tell: ReportBytes | None = None) -> str:
    """The SHA-256 of a file, in hex."""
    found, done, size = sha256(), 0, file.stat().st_size
    with file.open("rb") as source:
        while portion := source.read(PORTION):
            found.update(portion)
            done += len(portion)
            if tell is not None:
                tell(done, size)
    return found.hexdigest()


def check_whole(file: Path, manifest: Manifest, tell: ReportBytes | None = None) -> None:
    """Raises BackupRefused where a backup is not the file that its manifest describes."""
    size = file.stat().st_size
    if size != manifest.size:
        raise BackupRefused(f"{file} is damaged: it has {size} bytes, and {manifest.size} by its manifest")
    if digest(file, tell) != manifest.sha256:
        raise BackupRefused(f"{file} is damaged: its SHA-256 is not that of its manifest")


@contextlib.contextmanager
def partial(file: Path) -> Iterator[Path]:
    """A new, empty file beside `file` for its owner alone, under another name. Whatever is left of it at the end is removed."""
    path = file.with_name(f".{file.name}.{os.getpid()}.partial")
    remove(path)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield path
    finally:
        remove(path)


def remove(path: Path) -> None:
    """Removes a file with all that SQLite and the gateway put beside it."""
    for end in ("", "-wal", "-shm", "-journal", "-checkpoint"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def publish(path: Path, file: Path, *, force: bool) -> None:
    """Gives a whole file its name, and makes that durable. Raises BackupRefused where the name is taken, unless `force`."""
    _sync(path)
    if force:
        path.replace(file)
    else:
        _name(path, file)
    _sync(file.parent)


def _name(path: Path, file: Path) -> None:
    """Renames without replacing: a second name first, since that fails where there is such a file."""
    try:
        file.hardlink_to(path)
    except FileExistsError:
        raise BackupRefused(f"{file} is there already") from None
    except OSError:  # Some file systems have no second names.
        if file.exists():
            raise BackupRefused(f"{file} is there already") from None
        path.rename(file)
    else:
        path.unlink()


def _sync(path: Path) -> None:
    """Waits until a file, or what a folder lists, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        # Not every file system can do it with a folder.
        if not path.is_dir():
            raise
    finally:
        os.close(number)
