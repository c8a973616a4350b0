"""One mutation, one transaction: authorise, act, raise the revision, read the answer again, keep it under its key, commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, update

from ..plan.operation import WriteStep
from ..plan.reading import WORKSPACE, Counts, Reader
from ..plan.variables import Variables
from ..plan.weight import TooLarge
from ..rules import clock
from ..rules.access import Caller, Role
from ..rules.errors import BadRequest, Forbidden
from ..storage.database import Connection, Database, Row
from ..storage.statements import Statement
from ..storage.tables import Event, Workspace
from . import idempotency
from .inputs import Fault

_WORKSPACE: Any = Workspace.__table__  # type: ignore[attr-defined]
_EVENT: Any = Event.__table__  # type: ignore[attr-defined]

_RAISE_REVISION = (
    update(_WORKSPACE).where(_WORKSPACE.c.id == WORKSPACE).values(revision=_WORKSPACE.c.revision + 1).returning(_WORKSPACE.c.revision)
)
_ADD_EVENT = insert(_EVENT).values({column.name: bindparam(column.name, required=True) for column in _EVENT.c})


class _Nothing(Exception):
    """Nothing was changed: the transaction is rolled back, revision included, and this is answered."""

    def __init__(self, payload: Any, *, replayed: bool) -> None:
        super().__init__()
        self.result = payload, replayed


class Statements:
    """Clauses compiled once for each database."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, int], tuple[Any, Statement]] = {}

    def of(self, database: Database, clause: Any) -> Statement:
        """The statement of a clause that lives as long as the program. Raises AssertionError where it isn't bound to a workspace."""
        key = (database.dialect.name, id(clause))
        found = self._compiled.get(key)
        if found is None:
            statement = database.compile(clause)
            assert not {"workspace", "workspace_id"}.isdisjoint(statement.names), statement.text
            found = self._compiled[key] = (clause, statement)
        return found[1]


_STATEMENTS = Statements()
# A count made inside a transaction belongs to a revision that may never be: kept, it would be taken for another transaction's.
_UNCOUNTED = Counts(0)


@dataclass(slots=True)
class Writing:
    """A transaction under way. It holds the workspace's row lock, so writers of a workspace come one after the other."""

    database: Database
    connection: Connection
    caller: Caller
    revision: int
    now: str = field(default_factory=lambda: clock.now())  # noqa: PLW0108  the clock is replaced in tests, later than this is read
    changed: bool = False
    abandoned: bool = False
    _events: int = 0

    @property
    def workspace(self) -> dict[str, Any]:
        """The binds that every statement needs."""
        return {"workspace": self.caller.workspace_id}

    async def fetch(self, clause: Any, **values: Any) -> list[Row]:
        """The rows of a clause, with the workspace bound."""
        return list(await self.connection.fetch(_STATEMENTS.of(self.database, clause), {**self.workspace, **values}))

    async def execute(self, clause: Any, values: Mapping[str, Any]) -> int:
        """Runs a clause, with the workspace bound, and notes that something changed."""
        self.changed = True
        return await self.connection.execute(_STATEMENTS.of(self.database, clause), {**self.workspace, **values})

    async def execute_many(self, clause: Any, rows: list[Mapping[str, Any]]) -> None:
        """Runs a clause for each of `rows`."""
        if rows:
            self.changed = True
            await self.connection.execute_many(_STATEMENTS.of(self.database, clause), [{**self.workspace, **row} for row in rows])

    async def event(
        self, kind: str, id_: str, fields: list[str], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Tells subscribers; `before` and `after` are what filters and limited viewers need of the deal."""
        values = {
            "workspace_id": self.caller.workspace_id,
            "revision": self.revision,
            "position": self._events,
            "kind": kind,
            "opportunity_id": id_,
            "changed_fields": orjson.dumps(fields).decode(),
            "before": None if before is None else orjson.dumps(before).decode(),
            "after": None if after is None else orjson.dumps(after).decode(),
            "at": self.now,
            "by_id": self.caller.user_id,
            "by_key_id": self.caller.key_id,
        }
        self._events += 1
        await self.execute(_ADD_EVENT, values)


def refused(*faults: Fault, **members: Any) -> dict[str, Any]:
    """The payload of a mutation that did not happen."""
    return {"recordId": None, "deletedId": None, "token": None, **members, "userErrors": [fault.told() for fault in faults]}


def done(record_id: str | None = None, **members: Any) -> dict[str, Any]:
    """The payload of a mutation that happened."""
    return {"recordId": record_id, "deletedId": None, "token": None, **members, "userErrors": []}


@dataclass(frozen=True, slots=True)
class Action:
    """What a mutation does: a coroutine from the transaction and the arguments to the payload, and who may do it."""

    run: Any
    admin: bool = False
    many: bool = False

    def authorise(self, caller: Caller) -> None:
        """Raises Forbidden where the caller's role may not do this."""
        if self.admin and caller.role is not Role.ADMIN:
            message = "Only an admin may do this."
            raise Forbidden(message)
        if not caller.role.may_write:
            message = "A viewer may only read."
            raise Forbidden(message)


async def perform(
    database: Database, action: Action, step: WriteStep, variables: Variables, caller: Caller, fingerprint: str, room: int
) -> tuple[Any, bool]:
    """Carries out one mutation; answers its payload, and whether it was an earlier answer told again. Raises GatewayError.

    A mutation whose payload would have more than `room` bytes is rolled back, and its error says so.
    """
    action.authorise(caller)
    arguments = step.arguments(variables)
    key = idempotency.read_key(arguments.get("idempotencyKey"))

    async def work(connection: Connection) -> tuple[Any, bool]:
        revision = (await connection.fetch(_STATEMENTS.of(database, _RAISE_REVISION), {"workspace": caller.workspace_id}))[0][0]
        writing = Writing(database, connection, caller, revision)
        if key is not None:
            kept = await idempotency.find(writing, key, fingerprint)
            if kept is not None:
                if len(kept) > room:
                    raise TooLarge(room)
                raise _Nothing(orjson.loads(kept), replayed=True)
        outcome = await action.run(writing, arguments)
        payload = await step.writer.write(Reader(database, connection, caller, _UNCOUNTED, room), outcome, variables)
        if not writing.changed or writing.abandoned:
            raise _Nothing(payload, replayed=False)
        if key is not None:
            await idempotency.keep(writing, key, fingerprint, orjson.dumps(payload).decode())
        return payload, False

    try:
        with idempotency.in_progress(caller, key):
            return await database.write(work, long=action.many)
    except _Nothing as nothing:
        return nothing.result
    except TooLarge as error:
        message = f"{error} Nothing was done."
        raise BadRequest(message) from error
