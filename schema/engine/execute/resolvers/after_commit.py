"""Resolvers of payloads and events: called after the write is committed, or after the event's snapshot is released.

Whatever goes wrong in them is an error of their field beside the answer: the write stays done, and is told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from graphql import GraphQLSchema

from schema.engine.compile.data_reader import Counts
from schema.engine.compile.operation import EventPlan
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.compile.select import Batch
from schema.engine.document.documents import PreparedOperation
from schema.engine.document.limits import Limits
from schema.engine.document.variables import Variables
from schema.rules.access import Caller
from schema.rules.errors import BadRequest, OutOfTime
from schema.storage.database import Database
from schema.values import Object, Value

from .context import Context
from .null_propagation import RootField, propagate_nulls
from .run import Notes, ResolverNote, ResolverOperation, ResolverRun

Resolve = Callable[[Object, Notes], Awaitable[list[Value]]]
"""Calls the resolvers that the data of an event waits for, and answers their errors."""

SECONDS = 5.0
"""Seconds that all resolvers of one payload, or of one event, may take together."""


async def complete(data: Object, notes: Notes, run: ResolverRun, answered: RootField, logged: int, seconds: float = SECONDS) -> list[Value]:
    """Calls the resolvers that `notes` of `data` ask for, for so many `seconds` at most; answers their errors, some `logged`."""
    try:
        async with asyncio.timeout(max(0, seconds)):
            await run.complete(notes)
    except TimeoutError:
        run.abandon(OutOfTime("The resolvers of this answer took too long. What was asked for was done: query the record for this field."))
    except Exception as error:  # noqa: BLE001  what was committed must be told, whatever this is
        run.abandon(BadRequest(str(error)) if isinstance(error, ResponseTooLarge) else error)
    return propagate_nulls(data, answered, logged) if run.failed else []


@dataclass(frozen=True, slots=True)
class Resolvers:
    """The resolvers of operations on a schema."""

    schema: GraphQLSchema
    database: Database
    counts: Counts
    limits: Limits

    def asked(self, prepared: PreparedOperation) -> ResolverOperation:
        """The operation, as resolvers may look at it."""
        return ResolverOperation(self.schema, prepared.operation, prepared.document)

    def run(self, asked: ResolverOperation, values: Variables, context: Context) -> ResolverRun:
        """Return the resolvers of one operation."""
        return ResolverRun(context, values, self.counts, self.limits.max_answer, asked)

    def of_events(self, prepared: PreparedOperation, plan: EventPlan, values: Variables, caller: Caller) -> Resolve:
        """Return the function that calls the resolvers of each event, for one follower."""
        asked, root = self.asked(prepared), self.schema.subscription_type
        assert root is not None
        answered = RootField(self.schema, root, plan.selected, plan.selections)

        async def resolve(data: Object, notes: Notes) -> list[Value]:
            run = self.run(asked, values, Context(caller, self.database))
            return await complete(data, notes, run, answered, self.limits.max_errors)

        return resolve


def to_stored(payload: Value, notes: Notes, resolver_fields: Sequence[Batch]) -> list[Value]:
    """A payload with what waits for resolvers, as it is kept under an idempotency key: objects are named by their place in the payload."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, object_ in enumerate(_objects(payload)):
        places[id(object_)].append(place)
    noted = [
        (resolver_fields.index(resolver_field), object_, key, columns)
        for resolver_field, waiting in notes.items()
        for object_, key, columns in waiting
    ]
    return [
        payload,
        [[number, place, key, columns] for number, object_, key, columns in noted for place in places[id(object_)]],
    ]


def from_stored(kept: Value, resolver_fields: Sequence[Value]) -> tuple[Value, Notes]:
    """Return the payload and its waiting objects from the stored form: on a replay resolvers run again, with the stored columns."""
    if not isinstance(kept, list):
        return kept, {}
    payload, noted = kept
    objects = [*_objects(payload)]
    notes: defaultdict[Value, list[ResolverNote]] = defaultdict(list)
    for number, place, key, columns in noted:
        if number < len(resolver_fields):
            notes[resolver_fields[number]].append((objects[place], key, resolver_fields[number].columns_of(columns)))
    return payload, dict(notes)


def _objects(value: Value) -> Iterator[Object]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
