"""A small graph that does on command what the real one seldom does: be slow, fail, cost much. The HTTP side can't tell them apart."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import graphql
import orjson

from rest_compat.errors import Headers, HttpResponse
from rest_compat.protocol import Request
from rest_compat.translate.call import nothing_here
from schema.engine.document.documents import RequestError

SDL = """
type Query { hello(name: String! = "you"): String! slow(seconds: Float!): String boom: String must: String! }
type Mutation { set(x: Int!): Int! say(name: String!): String! }
type Subscription { count(to: Int!, delay: Float = 0): Int! wide(to: Int!): String! }
"""


@dataclass
class Answer:
    data: Any
    errors: Any
    extensions: dict[str, Any]
    executed: bool = True

    def encode(self) -> bytes:
        members = {"data": self.data} if self.executed else {}
        return orjson.dumps({**({"errors": self.errors} if self.errors else {}), **members, "extensions": self.extensions})


@dataclass(eq=False)
class Prepared:
    text: str
    kind: str
    name: str | None
    document: graphql.DocumentNode
    operation: graphql.OperationDefinitionNode
    mark: object = field(default_factory=object)


def formatted(error: graphql.GraphQLError, code: str = "BAD_REQUEST") -> dict[str, Any]:
    return {**error.formatted, "extensions": {"code": code}}


class Nothing:
    """No events to follow."""

    def running(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


class StandIn:
    """`cost` is what each operation is said to cost."""

    def __init__(self) -> None:
        self.graphql_schema = graphql.build_schema(SDL)
        self.sdl = SDL
        self.cost = 1
        self.compiled = self.fallbacks = 0
        self.events = Nothing()
        self.running = 0
        self.cancelled = 0
        query = self.graphql_schema.query_type.fields
        query["hello"].resolve = lambda _source, _info, name: f"hello {name}"
        query["slow"].resolve = self._slow
        self.graphql_schema.mutation_type.fields["set"].resolve = lambda _source, _info, x: x
        self.graphql_schema.mutation_type.fields["say"].resolve = lambda _source, _info, name: f"hello {name}"
        self.graphql_schema.subscription_type.fields["count"].subscribe = self._count
        self.graphql_schema.subscription_type.fields["wide"].subscribe = self._wide
        self.prepare = self.known = lru_cache(self._prepare)

    def _prepare(self, document: str, operation_name: str | None = None) -> Prepared:
        try:
            parsed = graphql.parse(document)
        except graphql.GraphQLError as error:
            raise RequestError([formatted(error)], "BAD_REQUEST") from None
        if faults := graphql.validate(self.graphql_schema, parsed):
            raise RequestError([formatted(fault) for fault in faults], "BAD_REQUEST")
        operation = graphql.get_operation_ast(parsed, operation_name)
        if operation is None:
            fault = {"message": "Which operation?", "extensions": {"code": "BAD_REQUEST"}}
            raise RequestError([fault], "BAD_REQUEST")
        return Prepared(document, operation.operation.value, operation.name.value if operation.name else None, parsed, operation)

    def figures(self) -> dict[Any, float]:
        return {("gateway_executions_total", "compiled"): self.compiled, ("gateway_executions_total", "fallback"): self.fallbacks}

    async def run(self, prepared: Prepared, variables: dict[str, Any] | None, _caller: Any, **_asked: Any) -> Answer:
        if any(isinstance(s, graphql.FieldNode) and s.name.value == "boom" for s in prepared.operation.selection_set.selections):
            raise RuntimeError("secret detail")
        coerced = graphql.get_variable_values(self.graphql_schema, prepared.operation.variable_definitions or (), variables or {})
        if isinstance(coerced, list):
            return Answer(None, [formatted(error) for error in coerced], {}, executed=False)
        result = graphql.execute(self.graphql_schema, prepared.document, variable_values=variables, operation_name=prepared.name)
        if not isinstance(result, graphql.ExecutionResult):
            result = await result
        errors = [formatted(error, "INTERNAL_ERROR") for error in result.errors] if result.errors else None
        return Answer(result.data, errors, {"cost": {"requested": self.cost, "maximum": 5_000}})

    async def subscribe(
        self, prepared: Prepared, variables: dict[str, Any] | None, _caller: Any, began: Any = None
    ) -> AsyncGenerator[Answer, None]:
        if began is not None:
            began()
        found = graphql.subscribe(self.graphql_schema, prepared.document, variable_values=variables)
        if asyncio.iscoroutine(found):
            found = await found
        async for result in found:
            yield Answer(result.data, None, {})

    async def _slow(self, _source: Any, _info: Any, seconds: float) -> str:
        self.running += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return "done"

    async def _count(self, _source: Any, _info: Any, to: int, delay: float) -> AsyncGenerator[dict[str, int], None]:
        for number in range(to):
            await asyncio.sleep(delay)
            yield {"count": number}

    async def _wide(self, _source: Any, _info: Any, to: int) -> AsyncGenerator[dict[str, str], None]:
        for _ in range(to):
            await asyncio.sleep(0)
            yield {"wide": "x" * 10_000}


class StandInRest:
    """REST without resources."""

    documents: Mapping[str, Any] = {}

    async def answer(self, _: Request) -> HttpResponse:
        raise nothing_here()

    def notices(self, _: Request) -> Headers:
        return []
