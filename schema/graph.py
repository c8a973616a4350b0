"""The graph over one database: operations go in, answers come out.

A query's selection becomes a plan, the plan's rows become the response. Whatever a plan can't express, and every answer that carries
errors, is completed by graphql-core from the same rows: one meaning, two speeds.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from time import monotonic

import orjson
from graphql import GraphQLError, GraphQLSchema

from schema.engine.compile.compiler import NotCompiled
from schema.engine.compile.data_reader import BytesInFlight, Counts, DataReader, RevisionChanged
from schema.engine.compile.explain import explain
from schema.engine.compile.operation import EventPlan, QueryPlan, cost_of
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.compile.writer import PlanFault
from schema.engine.document.documents import DocumentCache, PreparedOperation, RequestError, request_error
from schema.engine.document.limits import Limits
from schema.engine.document.selections import SchemaPart
from schema.engine.document.variables import Variables
from schema.engine.events.feed import Began, Feed, untold
from schema.engine.events.streams import EventStreams
from schema.engine.execute.fairness import HeavyWork
from schema.engine.execute.fallback import SMALL, Execution, Fallback, Introspection, TooMuchSchema
from schema.engine.execute.plans import Plans
from schema.engine.execute.requests import ExecutionRequest
from schema.engine.execute.resolvers.after_commit import Resolvers
from schema.engine.execute.resolvers.context import Context
from schema.engine.execute.resolvers.schema_extensions import DataAndErrors, ExtensionRunner
from schema.engine.execute.response_errors import error_of, errors_of, refusal, too_costly
from schema.engine.execute.responses import EventResponse, GraphQLResponse
from schema.engine.write.mutation_call import MutationCall
from schema.engine.write.mutations import Mutations
from schema.rules.access import Caller
from schema.rules.errors import GatewayError, ServiceUnavailable, WorkspaceGone
from schema.storage.database import Connection, Database, Figures, InputRejected, StorageError
from schema.values import Object, Value

from .assembly import build
from .extensions import Extension

_log = logging.getLogger(__name__)

RETRY_SECONDS = 60  # after which a plan is tried again that has met null where there can be none
COMPILE_ATTEMPTS = 4
"""The most restarts of an operation for statements to be compiled; after that, they are compiled where they are needed."""
_NULL = "a plan met null in %s, which can't be null: graphql-core answers operation %s in its place, for %d s"


class Graph:
    """The canonical graph. `plans=False` leaves every query to graphql-core's completion: to compare, and to measure."""

    def __init__(
        self, database: Database, *, limits: Limits | None = None, plans: bool = True, extensions: Sequence[Extension] = ()
    ) -> None:
        built = build(*extensions)
        self.sdl: str = built.sdl
        self.graphql_schema: GraphQLSchema = built.schema
        hooks = [class_ for extension in extensions for class_ in extension.schema_extensions]
        self._around = ExtensionRunner(built.strawberry, hooks) if hooks else None
        self.limits = limits or Limits()
        self.database = database
        self.compiled = 0
        self.fallbacks = 0
        self._looked_up = 0
        self._planning = plans
        self._documents = DocumentCache(self.graphql_schema, self.limits)
        self._work = HeavyWork()
        self.known = self._documents.known
        self._in_flight = BytesInFlight()
        self._counts = Counts(self.limits.counts, self._in_flight)
        self._plans = Plans(self.graphql_schema, database, self._documents, self._work, built.writes.worked_out)
        self._fallback = Fallback(self.graphql_schema, self._work)
        self._introspection = Introspection(self._fallback)
        self.events = Feed(database)
        self.rights_changed: Callable[[str], None] = lambda _: None
        """Called with the id of a key or user after a write that may have changed what its tokens are good for, before the answer."""
        self._resolvers = Resolvers(self.graphql_schema, database, self._counts, self.limits)
        self._mutations = Mutations(self._resolvers, built.writes.actions, self._tried)
        self._event_streams = EventStreams(database, self.events, self._counts, self.limits.max_answer)

    def figures(self) -> Figures:
        """The numbers of operations by how they ran, of plans cached or not, and the figures of events."""
        missed = self._plans.missed
        return {
            ("gateway_executions_total", "compiled"): self.compiled,
            ("gateway_executions_total", "fallback"): self.fallbacks,
            "gateway_plan_cache_hits_total": self._looked_up - missed,
            "gateway_plan_cache_misses_total": missed,
            **self.events.figures(),
        }

    def prepare(self, document: str, operation_name: str | None = None) -> PreparedOperation:
        """The operation of a document, parsed, validated and within limits. Raises RequestError."""
        if self._around is None or self.known(document, operation_name) is not None:
            return self._documents.prepare(document, operation_name)
        with self._around.preparing(document, operation_name):
            return self._documents.prepare(document, operation_name)

    async def learn(self, document: str, operation_name: str | None, caller: Caller) -> PreparedOperation:
        """The same for `caller`, in turn with other heavy work. Raises RequestError, of code UNAVAILABLE where too much of that waits."""
        try:
            return await self._work.once((document, operation_name), caller.token_id, partial(self.prepare, document, operation_name))
        except ServiceUnavailable as error:
            raise request_error(str(error), code=error.code) from None

    def explain(self, prepared: PreparedOperation, variables: Object | None, caller: Caller) -> str:
        """The plan of an operation as text: cost, statements, writers. Raises RequestError, BadRequest."""
        values = self._documents.coerce(prepared, variables or {})
        return "\n".join(explain(self._plans.make(prepared, values, caller), values))

    def is_stored(self, type_name: str, field: str) -> bool:
        """Whether a field is stored: no computed SQL, and no resolver, whose values may change while no record does."""
        return self._plans.is_stored(type_name, field)

    def permits(self, prepared: PreparedOperation, variables: Object, caller: Caller) -> bool:
        """Whether the scopes of the caller's token allow an operation. Raises RequestError for variables at fault."""
        return caller.scopes is None or not self._plans.missing(prepared, self._documents.coerce(prepared, variables), caller.scopes)

    async def run(
        self,
        prepared: PreparedOperation,
        variables: Object | None,
        caller: Caller,
        *,
        at_revision: bool = False,
        deadline: float | None = None,
    ) -> GraphQLResponse:
        """Executes a query or mutation for `caller`; a query's answer says `at_revision` which one it saw.

        A mutation of several root fields ends in time before the `deadline`, as `monotonic` tells it, to say what was done.
        Faults are told in the answer; only defects raise.
        """
        request = ExecutionRequest(caller, at_revision, deadline)
        if self._around is None:
            return await self._run(prepared, variables, request)
        return await self._run_within(self._around, prepared, variables, request)

    async def _run_within(
        self, around: ExtensionRunner, prepared: PreparedOperation, variables: Object | None, request: ExecutionRequest
    ) -> GraphQLResponse:
        """The same, with the schema extensions around it. What one of them raises is the answer's error."""
        request.context = Context(request.caller, self.database)
        found: list[GraphQLResponse] = []

        async def execute() -> DataAndErrors:
            found.append(await self._run(prepared, variables, request))
            return found[0].data, found[0].errors or []

        try:
            operation = prepared.text, prepared.name, prepared.document
            (data, errors), added = await around.run(operation, variables, request.context, execute)
        except Exception as error:  # noqa: BLE001  an extension's, since execution tells its own
            return GraphQLResponse(None, [error_of(GraphQLError(str(error), original_error=error))], executed=False)
        answer = found[0]
        answer.data, answer.errors = data, errors or None
        answer.extensions |= added
        return answer

    async def _run(self, prepared: PreparedOperation, variables: Object | None, request: ExecutionRequest) -> GraphQLResponse:
        caller = request.caller
        given = variables or {}
        try:
            values = self._documents.coerce(prepared, given)
            self._looked_up += 1
            if caller.scopes is not None:
                self._plans.permit(prepared, values, caller.scopes)
            plan = prepared.plan_for(caller, values) or await self._plans.new(prepared, values, caller)
            cost = cost_of(plan, values)
            extensions = {"cost": {"requested": cost, "maximum": self.limits.max_cost}}
            if cost > self.limits.max_cost:
                return GraphQLResponse(None, too_costly(cost, self.limits).errors, extensions, executed=False)
            if prepared.kind == "mutation":
                answer = await self._mutations.execute(prepared, plan, values, request)
                self.compiled += 1
            else:
                answer = await self._query(prepared, plan, given, values, request)
        except RequestError as error:
            return GraphQLResponse(None, error.errors, executed=False)
        except (ResponseTooLarge, TooMuchSchema) as error:
            return GraphQLResponse(None, request_error(str(error)).errors, executed=False)
        except (StorageError, ServiceUnavailable, WorkspaceGone) as error:
            return GraphQLResponse(None, refusal(error).errors, executed=False)
        answer.extensions |= extensions
        return answer

    async def _query(
        self, prepared: PreparedOperation, plan: QueryPlan, given: Object, values: Variables, request: ExecutionRequest
    ) -> GraphQLResponse:
        if self._planning and (not plan.retry_at or monotonic() >= plan.retry_at):
            try:
                if plan.schema_part is not None:
                    answer = await self._with_schema(plan, plan.schema_part, given, values, request)
                else:
                    data, revision = await self._read(plan, values, request)
                    answer = GraphQLResponse(data, revision=revision)
                if answer is not None and request.notes is not None and not await self._resolved(prepared, plan, values, request):
                    answer = None
            except (ServiceUnavailable, WorkspaceGone):
                raise
            except GatewayError:
                pass  # graphql-core words it, with its path
            except NotCompiled as missing:
                await self._compile(plan, values, request, missing)
                return await self._query(prepared, plan, given, values, request)
            except PlanFault as fault:
                plan.retry_at = monotonic() + RETRY_SECONDS
                _log.warning(_NULL, fault, prepared.name or "without a name", RETRY_SECONDS)
            else:
                if answer is not None:
                    self.compiled += 1
                    return answer
        return await self._complete(prepared, given, values, request)

    async def _resolved(self, prepared: PreparedOperation, plan: QueryPlan, values: Variables, request: ExecutionRequest) -> bool:
        """Call the resolvers that wait for the data read; return False if an error must be reported by graphql-core."""
        if request.run is None:
            request.run = self._resolvers.run(
                self._resolvers.asked(prepared), values, request.context or Context(request.caller, self.database)
            )
        if plan.compiler.for_fallback:
            request.run.begin_for_fallback()
        notes, request.notes = request.notes or {}, None
        with plan.compiler.compiling():
            await request.run.complete(notes)
        return not request.run.failed

    async def _with_schema(
        self, plan: QueryPlan, part: SchemaPart, given: Object, values: Variables, request: ExecutionRequest
    ) -> GraphQLResponse | None:
        """Return the response of a plan with introspection; None if graphql-core must report errors. Raises as `_query` expects."""
        schema_json = await self._introspection.answer(part, given, request.caller.token_id)
        if schema_json is None:
            return None
        request.spent = len(schema_json)
        data, revision = await self._read(plan, values, request)
        return GraphQLResponse(data | orjson.loads(schema_json), revision=revision)

    async def _read(self, plan: QueryPlan, values: Variables, request: ExecutionRequest) -> tuple[Object, int | None]:
        if plan.single_statement or (plan.constant and not request.at_revision):
            reader = self._reader(self.database, request)
            try:
                data = await plan.read(reader, values)
            except RevisionChanged:
                pass  # into one snapshot, below
            else:
                if reader.seen is not None or not request.at_revision:
                    request.notes = reader.notes
                    return data, reader.seen
            finally:
                if self._in_flight.held:
                    self._in_flight.free(reader)

        async def work(connection: Connection) -> tuple[Object, int | None]:
            reader = self._reader(connection, request)
            try:
                data = await plan.read(reader, values)
                request.notes = reader.notes
                return data, await reader.revision() if request.at_revision else None
            finally:
                if self._in_flight.held:
                    self._in_flight.free(reader)

        return await self.database.read(work)

    def _reader(self, source: Value, request: ExecutionRequest) -> DataReader:
        return DataReader(self.database, source, request.caller, self._counts, self.limits.max_answer, request.spent)

    async def _compile(self, plan: QueryPlan, values: Variables, request: ExecutionRequest, missing: NotCompiled) -> None:
        """Compiles statements that a plan was found to lack, in turn with other heavy work. Raises ServiceUnavailable."""
        request.attempts += 1
        if request.attempts > COMPILE_ATTEMPTS:
            plan.compiler.may_compile = 1
        await self._work.run(request.caller.token_id, plan.compiling(values, missing.parents), ahead=True)

    async def _complete(self, prepared: PreparedOperation, given: Object, values: Variables, request: ExecutionRequest) -> GraphQLResponse:
        self.fallbacks += 1
        plan: QueryPlan = prepared.plan_for(request.caller, values, for_fallback=True) or await self._plans.new(
            prepared, values, request.caller, for_fallback=True
        )
        while True:
            try:
                tree, revision = await self._read(plan, values, request)
                break
            except NotCompiled as missing:
                await self._compile(plan, values, request, missing)
        if request.notes is not None:
            await self._resolved(prepared, plan, values, request)
        call = Execution(prepared.document, tree, given, prepared.name)
        small = plan.schema_part is None and cost_of(plan, values) <= SMALL
        result = self._fallback.execute(call) if small else await self._fallback.execute_beside(call, request.caller.token_id)
        errors = errors_of(result.errors or [], self.limits.max_errors)
        if plan.schema_part is not None and len(orjson.dumps(result.data)) > self.limits.max_answer:
            raise ResponseTooLarge(self.limits.max_answer)
        return GraphQLResponse(result.data, errors or None, revision=revision)

    def _tried(self, call: MutationCall, caller: Caller) -> None:
        """After a root field of a mutation, however it ended."""
        self.events.wake(caller.workspace_id)
        if call.action.owns_tokens:
            self.rights_changed(call.arguments["id"])

    async def subscribe(
        self, prepared: PreparedOperation, variables: Object | None, caller: Caller, began: Began = untold
    ) -> AsyncGenerator[EventResponse, None]:
        """Follows events for `caller`: an answer for each, after commit, in commit order. From when `began` is called on, none is missed.

        Raises RequestError where it can't begin, or go on since events are no longer kept.
        """
        given = variables or {}
        values = self._documents.coerce(prepared, given)
        self._looked_up += 1
        if caller.scopes is not None:
            self._plans.permit(prepared, values, caller.scopes)
        try:
            plan: EventPlan = prepared.plan_for(caller, values) or await self._plans.new(prepared, values, caller)
            cost = cost_of(plan, values)
            if cost > self.limits.max_cost:
                raise too_costly(cost, self.limits)
            resolve = self._resolvers.of_events(prepared, plan, values, caller) if plan.resolver_fields else None
            async with aclosing(self._event_streams.follow(plan, values, given, caller, resolve, began)) as answers:
                async for answer in answers:
                    yield EventResponse(answer)
        except (InputRejected, GatewayError) as error:
            raise refusal(error) from error
