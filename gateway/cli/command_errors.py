"""Errors of commands: the sentence that is printed, and the exit code."""

from typing import Final

from gateway.environment import of_file
from gateway.seed import SeedFault
from gateway.server.listen import ListenError
from schema.administration.keys import KeyFault
from schema.persons.person import PersonFault
from schema.storage.database import StorageError, Unreachable
from schema.storage.driver_errors import DRIVER_ERRORS
from schema.storage.manifest import BackupFailed, BackupRefused

from .demo import DemoFault

_TYPED: Final = (KeyFault, SeedFault, DemoFault, BackupRefused, PersonFault)
_DATABASE: Final = (StorageError, *DRIVER_ERRORS)


def describe(error: Exception) -> tuple[str, int] | None:
    """Return the message for an error and the exit code: 2 for wrong input, 1 for a failure. None for a defect."""
    if isinstance(error, _TYPED):
        return str(error), 2
    if isinstance(error, Unreachable):
        return f"the database can't be reached: {error}", 1
    if isinstance(error, _DATABASE):
        return f"the database says: {error}", 1
    if isinstance(error, OSError):
        return of_file(error), 1
    return (str(error), 1) if isinstance(error, ListenError | BackupFailed) else None
