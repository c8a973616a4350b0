"""The unit of work of a mutation's resolver: its transaction, and nothing else, since all other writers of the workspace wait for it."""

from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from types import coroutine
from typing import NoReturn, TypeVar

from graphql import ArgumentNode, FieldNode, GraphQLError, GraphQLObjectType, NameNode
from graphql.utilities import value_to_literal
from sqlalchemy.sql.expression import Executable

from schema.engine.compile.data_reader import clauses
from schema.engine.document.input_faults import without_python
from schema.engine.execute.resolvers.context import Context, Snapshot
from schema.engine.libraries.graphql_core import get_argument_values
from schema.rules.errors import BadRequest, GatewayError, OutOfTime
from schema.storage.database import Row
from schema.values import Object, Value, Values

from .mutation_call import Action
from .write_transaction import WriteTransaction

T = TypeVar("T")

SECONDS = 3.0
"""Seconds that a mutation's resolver may take. If it does not await its unit of work, that is noticed when it returns."""


class OtherWaitError(RuntimeError):
    """A mutation's resolver waits for something that isn't its unit of work."""


class TookTooLong(GatewayError):
    """A mutation's resolver took longer than it may."""

    code = OutOfTime.code


@dataclass(frozen=True, slots=True)
class MutationOutcome:
    """The result of a mutation within a unit of work: the record's id, or `user_errors`, and then nothing was changed."""

    id: str | None
    user_errors: list[Object]


class UnitOfWork:
    """The transaction of a mutation, which is committed when its resolver has answered and rolled back when it raises.

    The workspace's revision is raised, events and the idempotency key are kept in the same transaction. A database may carry it out again,
    from the beginning, where another transaction was in the way.
    """

    def __init__(self, transaction: WriteTransaction, root: GraphQLObjectType, name: str, actions: Mapping[str, Action]) -> None:
        self.now = transaction.now
        """The time of the change, as records keep it."""
        self.revision = transaction.revision
        """The workspace's revision that the change makes."""
        self._writing, self._root, self._name, self._actions = transaction, root, name, actions
        self._bound = {"workspace": transaction.caller.workspace_id, "workspace_id": transaction.caller.workspace_id}
        self._inside = 0
        self._ends = monotonic() + SECONDS
        self._failure: Exception | None = None

    async def fetch(self, clause: Executable, **values: Value) -> Sequence[Row]:
        """All rows of `clause`, which sees what was changed before. It must be bound to the workspace, as a snapshot's clauses are."""
        statement = clauses.of(self._writing.database, clause)
        with self._working():
            return await self._writing.connection.fetch(statement, {**values, **self._bound})

    async def execute(self, clause: Executable, **values: Value) -> int:
        """Runs an INSERT, UPDATE or DELETE and answers how many rows it touched.

        `workspace_id` in it must be a bind of that name, or be compared with WORKSPACE: both are the caller's. Raises ValueError.
        """
        statement = clauses.of(self._writing.database, clause)
        with self._working():
            self._writing.changed = True
            return await self._writing.connection.execute(statement, {**values, **self._bound})

    async def mutate(self, name: str, **arguments: Value) -> MutationOutcome:
        """Carries out another mutation of the graph by its name, with its rules and events.

        Arguments are named and written as in JSON. Raises ValueError for a mutation that isn't there, Forbidden, BadRequest.
        """
        action = self._actions.get(name)
        if action is None or action.owns_tokens:
            raise ValueError(f"{name} is no mutation that can be part of another one.")
        action.authorise(self._writing.caller)
        given = self._coerced(name, arguments)
        action.check(given)
        with self._working():
            outcome = await action.run(self._writing, given)
        return MutationOutcome(outcome["recordId"] or outcome["deletedId"], outcome["userErrors"])

    def _coerced(self, name: str, arguments: Values) -> Object:
        definition = self._root.fields[name]
        unknown = [argument for argument in arguments if argument not in definition.args]
        if unknown:
            raise BadRequest(f"{name} has no argument `{unknown[0]}`.")
        try:
            literals = {key: value_to_literal(value, definition.args[key].type) for key, value in arguments.items()}
            nodes = tuple(ArgumentNode(name=NameNode(value=key), value=node) for key, node in literals.items() if node is not None)
            return get_argument_values(definition, FieldNode(name=NameNode(value=name), arguments=nodes))
        except GraphQLError as error:
            raise BadRequest(without_python(error.message)) from error

    async def one_by_one(self, awaitables: Sequence[Awaitable[Value]]) -> list[Value]:
        """Return the result or exception of each awaitable, run one after the other; they may await this unit's methods only."""
        return [await self._tried(each) for each in awaitables]

    def check(self) -> None:
        """Raises the error that one of its methods raised, even if the resolver caught it, and TookTooLong."""
        if self._failure is not None:
            raise self._failure
        self._in_time()

    def end(self) -> None:
        """Let go of the error that `check` raises: its traceback holds this unit."""
        self._failure = None

    async def _tried(self, awaitable: Awaitable[Value]) -> Value:
        try:
            return await self._watched(_steps(awaitable))
        except Exception as error:  # noqa: BLE001  whatever a resolver raises stands in place of its value
            # On SQLite a large payload is read in a thread that has no event loop.
            return self._other_wait() if str(error) == "no running event loop" else error

    @coroutine
    def _watched(self, steps: Value) -> Generator[Value, Value, Value]:
        """Drives a coroutine, and refuses what it waits for outside of this unit's methods. Raises OtherWaitError, at the place."""
        resume: Callable[[Value], Value] = steps.send
        argument: Value = None
        while True:
            try:
                waits_for = resume(argument)
            except StopIteration as end:
                return end.value
            finally:
                # An error that was thrown in holds this call by its traceback.
                argument = None
            if not self._inside:
                self._refuse(steps)
            try:
                argument, resume = (yield waits_for), steps.send
            except BaseException as error:  # noqa: BLE001  a cancellation is handed on, too
                argument, resume = error, steps.throw

    def _other_wait(self) -> OtherWaitError:
        self._failure = OtherWaitError(
            f"Mutation.{self._name} waits for something other than its unit of work (`info.context.unit`). All writers of the workspace "
            "would wait with it: do that before the mutation or after it."
        )
        return self._failure

    def _refuse(self, steps: Value) -> NoReturn:
        refused = self._other_wait()
        try:
            with suppress(StopIteration):  # It took no notice.
                steps.throw(refused)
            raise refused
        finally:
            steps.close()
            # It holds this call by its traceback.
            del refused

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._in_time()
        self._inside += 1
        try:
            yield
        except Exception as error:
            self._failure = self._failure or error
            raise
        finally:
            self._inside -= 1

    def _in_time(self) -> None:
        if monotonic() > self._ends:
            self._failure = TookTooLong(f"{self._name} took longer than {SECONDS:g} s: nothing of it was done.")
            raise self._failure


async def _steps(awaitable: Awaitable[T]) -> T:
    return await awaitable


@dataclass(slots=True)
class WriteContext(Context):
    """The `info.context` of a mutation's resolver: `caller`, `loaders`, and its unit of work."""

    unit: UnitOfWork = field(kw_only=True)

    async def read(self, work: Callable[[Snapshot], Awaitable[T]]) -> T:  # noqa: ARG002  it is refused, not run
        """Raises OtherWaitError: a mutation's resolver reads what its own transaction sees."""
        raise OtherWaitError("A mutation's resolver reads by `info.context.unit.fetch`, within its transaction.")
