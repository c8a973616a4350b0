"""The way to the graph that all doors share: documents by text or id, the operation's name for the metrics, its cost for the budget."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from gateway.edge.graphql_errors import unavailable
from gateway.edge.rate_limit import RateLimiter
from gateway.observability.current_request import OPERATION
from rest_compat.json_values import JsonObject
from schema.engine.document.documents import PreparedOperation
from schema.engine.events.feed import Began, untold
from schema.engine.execute.responses import EventResponse, GraphQLResponse
from schema.graph import Graph
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable

from .documents import PersistedDocuments
from .parameters import Parameters
from .warnings import warnings_of

#: Told of each operation run: what was prepared and what it answered.
CountOperation = Callable[[PreparedOperation, GraphQLResponse | EventResponse], None]


class Operations:
    """Prepares and runs operations on `graph`."""

    def __init__(self, graph: Graph, documents: PersistedDocuments, count: CountOperation, budget: RateLimiter | None = None) -> None:
        self.graph = graph
        self.documents = documents
        self.budget = budget
        self.count = count
        self.warnings = warnings_of(graph.graphql_schema)

    def known(self, parameters: Parameters) -> PreparedOperation | None:
        """The operation of a document that is kept. Raises HttpError for what is wrong with the request."""
        text = self.documents.find(parameters)
        prepared = self.graph.known(text, parameters.operation_name)
        if prepared is not None:
            self.documents.keep(parameters, text)
        return prepared

    async def learn(self, parameters: Parameters, caller: Caller) -> PreparedOperation:
        """The same of a new document. Raises RequestError for what is wrong with it; code UNAVAILABLE where too many are new."""
        text = self.documents.find(parameters)
        prepared = await self.graph.learn(text, parameters.operation_name, caller)
        self.documents.keep(parameters, text)
        return prepared

    async def run(
        self,
        prepared: PreparedOperation,
        variables: JsonObject | None,
        caller: Caller,
        *,
        at_revision: bool = False,
        deadline: float | None = None,
    ) -> GraphQLResponse:
        """Run a query or mutation. A mutation of several fields stops before the `deadline` (by `monotonic`) and reports what was done."""
        OPERATION.set(prepared)
        answer = await self.graph.run(prepared, variables, caller, at_revision=at_revision, deadline=deadline)
        self.count(prepared, answer)
        if self.warnings is not None and (found := self.warnings.of(prepared, variables)):
            answer.extensions["warnings"] = found
        if self.budget is not None:
            await self._charge(self.budget, answer, caller.token_id)
        return answer

    @staticmethod
    async def _charge(budget: RateLimiter, answer: GraphQLResponse, token_id: str) -> None:
        """Count an operation's cost against its token's budget, and add what is left to the answer. A refused operation costs nothing."""
        cost = answer.extensions.get("cost")
        requested = cost["requested"] if cost is not None and answer.executed else 1
        left = await budget.charge(token_id, requested)
        if cost is not None and left is not None:
            cost["remaining"], cost["resetAt"] = left

    async def subscribe(
        self, prepared: PreparedOperation, variables: JsonObject | None, caller: Caller, began: Began = untold
    ) -> AsyncGenerator[EventResponse, None]:
        """Start a subscription, which misses nothing from when `began` is called on. Raises RequestError for what it can't start with."""
        OPERATION.set(prepared)
        async with aclosing(self.graph.subscribe(prepared, variables, caller, began)) as found:
            try:
                async for answer in found:
                    self.count(prepared, answer)
                    yield answer
            except DatabaseUnavailable as error:
                raise unavailable(error) from error
