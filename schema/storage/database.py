"""The interface of databases: a snapshot to read in, a transaction to write in, and the same values on every driver."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from sqlalchemy import Dialect

from schema.values import Value, Values

from .statements import Statement
from .timing import Timing

T = TypeVar("T")
Row = Sequence[Value]
Figures: TypeAlias = Mapping[str | tuple[str, str], float]
"""Measurements by the name of their metric; where that has a label, by the name and the label's value."""


class StorageError(Exception):
    """The database didn't do what it was asked."""


class InputRejected(StorageError):
    """The database can't hold a value, or can't carry out a statement of this size: the same request fails each time.

    The message is for the client: it says what to change.
    """


class DatabaseUnavailable(StorageError):
    """The database can't be reached, is locked, or has no free connection: try again later."""

    #: The message for clients. The exception's own message is for the log.
    public: ClassVar[str] = "The database cannot be reached, or is busy: try again later."
    #: What readiness says of the database.
    state: ClassVar[str] = "unavailable"


class Unreachable(DatabaseUnavailable):
    """No connection can be made: the message says to where, why, and what to look at."""


class StatementTimeout(DatabaseUnavailable):
    """A statement ran longer than it may (seconds in the message)."""

    public = "The database took too long: try again later, or ask for less."


class LockTimeout(DatabaseUnavailable):
    """Somebody else held a lock for longer than one may wait for it."""


class Contention(DatabaseUnavailable):
    """The transaction conflicted with another and was rolled back: the same work may succeed at once."""


class ReadOnly(DatabaseUnavailable):
    """The database answers and takes no writes, as a standby does."""

    public = "The database takes no changes at the moment: try again later."
    state = "read-only: it takes no writes at present, as a standby does"


class FileReplaced(DatabaseUnavailable):
    """SQLite's file was moved, deleted or replaced while it is open: what is written now would be lost."""

    public = "The database takes no changes at the moment: try again later."
    state = "replaced: the file at its path is not the one that is open; put it back, or start the gateway anew"


class OutcomeUnknown(DatabaseUnavailable):
    """The connection was lost during the COMMIT: nobody knows whether the change was made."""

    public = (
        "The connection to the database was lost while the change was saved: it may have been made."
        " Send it again with the same idempotency key, or look before you repeat it."
    )


class Connection(Protocol):
    """One connection inside a snapshot or transaction. Dates and instants are ISO 8601 text on every driver, money whole cents."""

    dialect: Dialect

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        """All rows, as positional tuples."""

    async def fetch_portions(self, statement: Statement, values: Values, size: int, look: Callable[[Sequence[Row]], None]) -> Sequence[Row]:
        """All rows of a statement without LIMIT, read `size` at a time.

        Where there are more than one portion, `look` is shown each of them as it comes, and ends the reading by raising.
        """

    async def execute(self, statement: Statement, values: Values) -> int:
        """Run a write, and return the number of rows that it changed."""

    async def execute_many(self, statement: Statement, rows: Iterable[Values]) -> None:
        """Runs a write for each of `rows`."""


Work = Callable[[Connection], Awaitable[T]]


class Database(Protocol):
    """A store. `work` may await nothing but its connection's methods: on SQLite it may run in a thread that has no event loop."""

    dialect: Dialect
    url: str
    timing: Timing
    """The timing of its statements."""
    epoch: int
    """Which history of the database this is (see `epochs`), as it was last seen."""

    async def open(self) -> None:
        """Connects. Raises DatabaseUnavailable."""

    async def close(self) -> None:
        """Disconnects; work under way ends first."""

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        """All rows of one statement, which sees one state of the database without a transaction around it.

        Raises DatabaseUnavailable, StatementTimeout, InputRejected.
        """

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on one snapshot: all its statements see the same state of the database. It may run more than once.

        Raises DatabaseUnavailable, StatementTimeout, InputRejected.
        """

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        """Runs `work` in one transaction: committed when it returns, rolled back when it raises. It may run more than once
        (serialization failures are tried again), so it must have no effect but through its connection. `long` work is kept
        from holding up others. Raises DatabaseUnavailable (OutcomeUnknown where it may have been committed), InputRejected.
        """

    async def check(self) -> None:
        """Looks whether the database can be read and written. Raises DatabaseUnavailable, whose `state` says what is wrong."""

    def figures(self) -> Figures:
        """Measurements of this process."""

    async def follow(self, wake: Callable[[str | None], None]) -> None:
        """Calls `wake` with a workspace's id (None: any) when another connection may have committed something; never returns.
        Raises DatabaseUnavailable when it can't go on.
        """

    def compile(self, clause: Value) -> Statement:
        """`clause` (SQLAlchemy Core) as this database's SQL text."""


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:///…` address; None for other addresses."""
    scheme, _, path = url.partition(":///")
    return Path(path) if scheme == "sqlite" and path else None
