"""Operations of sockets and streams with spans of their own, since a socket lasts for days."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from typing_extensions import override

from gateway.graphql.operations import Operations
from gateway.observability.tracing import CURRENT, Trace, Tracing
from rest_compat.json_values import JsonObject
from schema.engine.document.documents import PreparedOperation
from schema.engine.events.feed import Began, untold
from schema.engine.execute.responses import EventResponse, GraphQLResponse
from schema.rules.access import Caller


class TracedOperations(Operations):
    """`operations`, each of which may have a span; of a subscription each event has one, while it is handed over to its reader."""

    def __init__(self, operations: Operations, tracing: Tracing) -> None:
        super().__init__(operations.graph, operations.documents, operations.count, operations.budget)
        self.tracing = tracing

    @override
    async def run(
        self,
        prepared: PreparedOperation,
        variables: JsonObject | None,
        caller: Caller,
        *,
        at_revision: bool = False,
        deadline: float | None = None,
    ) -> GraphQLResponse:
        trace = self.tracing.operation(prepared)
        before = CURRENT.get()
        if trace is not None:
            CURRENT.set(trace)
        try:
            return await super().run(prepared, variables, caller, at_revision=at_revision, deadline=deadline)
        finally:
            CURRENT.set(before)
            _end(trace)

    @override
    async def subscribe(
        self, prepared: PreparedOperation, variables: JsonObject | None, caller: Caller, began: Began = untold
    ) -> AsyncGenerator[EventResponse, None]:
        async with aclosing(super().subscribe(prepared, variables, caller, began)) as found:
            async for answer in found:
                trace = self.tracing.operation(prepared)
                try:
                    yield answer
                finally:
                    _end(trace)


def _end(trace: Trace | None) -> None:
    if trace is not None:
        trace.span.end()
