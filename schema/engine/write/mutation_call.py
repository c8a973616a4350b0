"""One mutation, one transaction: authorise, act, raise the revision, read the answer again, keep it under its key, commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schema.engine.compile.data_reader import Counts, DataReader, clauses
from schema.engine.compile.operation import WriteStep
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.after_commit import from_stored, to_stored
from schema.engine.execute.resolvers.run import Notes
from schema.rules.access import Caller, Role
from schema.rules.errors import BadRequest, Forbidden, WorkspaceGone
from schema.storage.database import Connection, Database
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import advance_revision
from schema.values import Object, Value, Values

from . import idempotency
from .write_transaction import WriteTransaction, is_refused

_RAISE_REVISION = advance_revision().returning(WorkspaceTable.__table__.c.revision)
_LOWER_REVISION = advance_revision(-1)

# A count made inside a transaction belongs to a revision that may never be: kept, it would be taken for another transaction's.
UNCOUNTED = Counts(0)

Payload = Object
RunAction = Callable[[WriteTransaction, Values], Awaitable[Payload]]


def _unchecked(_: Values) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Action:
    """The action of a mutation: a coroutine from the transaction and the arguments to the payload, and who may run it.

    `owns_tokens`: the record that the argument `id` names is a key, or a user, whose tokens may be good for something else afterwards.
    `creates`: null in its input means the same as leaving out. `many`: it may take long. `check` raises BadRequest for arguments that
    contradict each other.
    """

    run: RunAction
    admin: bool = False
    owns_tokens: bool = False
    many: bool = False
    creates: bool = False
    check: Callable[[Values], None] = _unchecked

    def authorise(self, caller: Caller) -> None:
        """Raises Forbidden where the caller's role may not do this."""
        if self.admin and caller.role is not Role.ADMIN:
            raise Forbidden("Only an admin may do this.")
        if not caller.role.may_write:
            raise Forbidden("A viewer may only read.")


@dataclass(frozen=True, slots=True)
class MutationCall:
    """A root field of a mutation with its arguments, found to be one that can be carried out."""

    step: WriteStep
    action: Action
    arguments: Values
    key: str | None

    def fingerprint(self, variables: Variables) -> str:
        """A text that differs for different calls under the same key."""
        return idempotency.fingerprint(self.step, self.arguments, variables, creates=self.action.creates)


def make_call(action: Action, step: WriteStep, variables: Variables, caller: Caller) -> MutationCall:
    """Prepare a root field, before anything is written. Raises BadRequest if its arguments are malformed."""
    arguments = step.arguments(variables)
    action.check(arguments)
    step.check(variables, caller.workspace_id)
    return MutationCall(step, action, arguments, idempotency.read_key(arguments.get("idempotencyKey")))


@dataclass(slots=True)
class WrittenPayload:
    """A payload, what in it waits for resolvers, whether it has failures in it, and whether it was an earlier answer."""

    payload: Value
    notes: Notes
    failed: bool = False
    replayed: bool = False


class _Nothing(Exception):
    """Raised if nothing was changed: the transaction is rolled back, revision included, and this payload is returned."""

    def __init__(self, result: WrittenPayload) -> None:
        super().__init__()
        self.result = result


async def perform(database: Database, call: MutationCall, variables: Variables, caller: Caller, room: int) -> WrittenPayload:
    """Carries out one mutation, and answers its payload. Raises GatewayError.

    A mutation whose payload would have more than `room` bytes is rolled back, and its error says so.
    """
    call.action.authorise(caller)
    print_ = "" if call.key is None else call.fingerprint(variables)

    async def work(connection: Connection) -> WrittenPayload:
        raised = await connection.fetch(clauses.of(database, _RAISE_REVISION), {"workspace": caller.workspace_id})
        if not raised:
            raise WorkspaceGone
        transaction = WriteTransaction(database, connection, caller, raised[0][0])
        if call.key is not None:
            kept = await idempotency.find(transaction, call.key, print_)
            if kept is not None:
                payload, notes = from_stored(idempotency.read_kept(kept, room), call.step.resolver_fields)
                raise _Nothing(WrittenPayload(payload, notes, replayed=True))
        outcome = await call.action.run(transaction, call.arguments)
        written = await _written(call, transaction, outcome, variables, room)
        if transaction.abandoned or is_refused(outcome) or (call.key is None and not transaction.changed):
            raise _Nothing(written)
        if call.key is not None:
            again = written
            if outcome.get("token") is not None:
                again = await _written(call, transaction, {**outcome, "token": None}, variables, room)
            plain = not again.notes and isinstance(again.payload, dict)
            stored = again.payload if plain else to_stored(again.payload, again.notes, call.step.resolver_fields)
            await _keep(transaction, call.key, print_, stored)
        return written

    try:
        with idempotency.in_progress(caller, call.key):
            return await database.write(work, long=call.action.many or not call.step.quick)
    except _Nothing as nothing:
        return nothing.result
    except ResponseTooLarge as error:
        raise BadRequest(f"{error} Nothing was done.") from error


async def _written(call: MutationCall, transaction: WriteTransaction, outcome: Payload, variables: Variables, room: int) -> WrittenPayload:
    """Return the action's payload as the selection set asks for it."""
    reader = DataReader(transaction.database, transaction.connection, transaction.caller, UNCOUNTED, room)
    payload = await call.step.writer.write(reader, outcome, variables)
    return WrittenPayload(payload, reader.notes or {}, bool(outcome.get("failed")))


async def _keep(transaction: WriteTransaction, key: str, print_: str, payload: Value) -> None:
    """Store the response of a call that is done, also if there was nothing to change: a repeated call gets the same response."""
    if not transaction.changed:
        await transaction.keep_house(_LOWER_REVISION, {})
    await idempotency.keep(transaction, key, print_, payload)
