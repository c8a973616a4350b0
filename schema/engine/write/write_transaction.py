"""The tools of a write: the rows that it may read, the transaction that changes them, and the payload that it returns."""

from collections.abc import Sequence

import orjson

from schema.engine.compile.data_reader import DataReader, clauses
from schema.rules import clock
from schema.rules.access import Caller
from schema.storage.database import Connection, Database, Row
from schema.storage.statements import insert_of
from schema.storage.tables import Event
from schema.values import Object, Value, Values

from .inputs import InputError

_ADD_EVENT = insert_of(Event.__table__)


class WriteReader:
    """Reads rows of the caller's workspace for a call, in one state of the database."""

    def __init__(self, database: Database, source: Connection | DataReader, caller: Caller) -> None:
        self.database = database
        self.caller = caller
        self.now = clock.now()
        self._source = source

    async def fetch(self, clause: Value, **values: Value) -> list[Row]:
        """The rows of a clause, with the workspace bound."""
        statement = clauses.of(self.database, clause)
        return list(await self._source.fetch(statement, {"workspace": self.caller.workspace_id, **values}))


class WriteTransaction(WriteReader):
    """A transaction under way. It holds the workspace's row lock, so writers of a workspace come one after the other."""

    def __init__(self, database: Database, connection: Connection, caller: Caller, revision: int) -> None:
        super().__init__(database, connection, caller)
        self.connection = connection
        self.revision = revision
        self.changed = False
        self.abandoned = False
        self.taken_along = 0
        """Records that deletions have taken along, or changed one by one."""
        self._events = 0

    async def execute(self, clause: Value, values: Values) -> int:
        """Runs a clause, with the workspace bound, and notes that something changed."""
        self.changed = True
        statement = clauses.of(self.database, clause)
        return await self.connection.execute(statement, {"workspace": self.caller.workspace_id, **values})

    async def keep_house(self, clause: Value, values: Values) -> None:
        """Runs a clause, with the workspace bound, that changes nothing which anyone can read: idempotency keys, the revision itself."""
        statement = clauses.of(self.database, clause)
        await self.connection.execute(statement, {"workspace": self.caller.workspace_id, **values})

    async def execute_many(self, clause: Value, rows: Sequence[Values]) -> None:
        """Runs a clause for each of `rows`."""
        if rows:
            self.changed = True
            workspace = self.caller.workspace_id
            await self.connection.execute_many(clauses.of(self.database, clause), [{"workspace": workspace, **row} for row in rows])

    async def event(self, noun: str, kind: str, id_: str, fields: list[str], before: Values | None, after: Values | None) -> None:
        """Tells subscribers; `before` and `after` are what filters and limited viewers need of the record."""
        values = {
            "workspace_id": self.caller.workspace_id,
            "revision": self.revision,
            "position": self._events,
            "kind": kind,
            "noun": noun,
            "record_id": id_,
            "changed_fields": orjson.dumps(fields).decode(),
            "before": None if before is None else orjson.dumps(before).decode(),
            "after": None if after is None else orjson.dumps(after).decode(),
            "at": self.now,
            "by_id": self.caller.user_id,
            "by_key_id": self.caller.key_id,
        }
        self._events += 1
        await self.execute(_ADD_EVENT, values)


def refused(*faults: InputError, **members: Value) -> Object:
    """The payload of a mutation that did not happen."""
    return {"recordId": None, "deletedId": None, "token": None, **members, "userErrors": [fault.to_dict() for fault in faults]}


def done(record_id: str | None = None, **members: Value) -> Object:
    """The payload of a mutation that happened."""
    return {"recordId": record_id, "deletedId": None, "token": None, **members, "userErrors": []}


def is_refused(payload: Values) -> bool:
    """Whether nothing of a payload, or of the items of a call that carries many, happened."""
    if "results" in payload:
        return bool(payload["failed"]) and not payload["succeeded"]
    return bool(payload["userErrors"])
