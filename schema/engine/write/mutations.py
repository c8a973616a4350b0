"""A mutation made ready: its root fields with their arguments, before anything is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from schema.engine.compile.operation import MutationPlan, WriteStep
from schema.engine.document.documents import PreparedOperation, RequestError
from schema.engine.document.variables import Variables
from schema.engine.execute.requests import ExecutionRequest
from schema.engine.execute.resolvers.after_commit import SECONDS, Resolvers, complete
from schema.engine.execute.resolvers.context import Context
from schema.engine.execute.resolvers.null_propagation import RootField
from schema.engine.execute.response_errors import located
from schema.engine.execute.responses import GraphQLResponse
from schema.rules.access import Caller
from schema.rules.errors import GatewayError
from schema.values import Object, Value

from .mutation_call import Action, MutationCall, WrittenPayload, make_call
from .resolver_mutations import ResolverMutation
from .serial_execution import TELLING_SECONDS, MutationBounds, execute_serially


@dataclass(frozen=True, slots=True)
class Mutations:
    """Carries out mutations by their `actions`; `tried` is called after each root field, however it ended."""

    resolvers: Resolvers
    actions: Mapping[str, Action]
    tried: Callable[[MutationCall, Caller], None]

    async def execute(
        self, prepared: PreparedOperation, plan: MutationPlan, values: Variables, request: ExecutionRequest
    ) -> GraphQLResponse:
        """Execute a mutation. Raises RequestError before anything is done for a malformed root field; StorageError if nothing was done."""
        resolvers, caller, limits = self.resolvers, request.caller, self.resolvers.limits
        root = resolvers.schema.mutation_type
        assert root is not None
        asked = resolvers.asked(prepared)
        resolving = ResolverMutation(root, self.actions, values, asked, limits.max_answer)
        calls = calls_of(plan, values, caller, resolving.action, limits.max_errors)

        async def resolve(step: WriteStep, written: WrittenPayload) -> list[Object]:
            data = {step.key: written.payload}
            answered = RootField(resolvers.schema, root, step.selected, step.selections)
            run = resolvers.run(asked, values, request.context or Context(caller, resolvers.database))
            run.failed = written.failed
            errors = await complete(data, written.notes, run, answered, limits.max_errors, _seconds(request.deadline))
            written.payload = data[step.key]
            return errors

        bounds = MutationBounds(limits.max_answer, request.deadline)
        carried = await execute_serially(resolvers.database, calls, values, caller, bounds, lambda call: self.tried(call, caller), resolve)
        errors = [*[located(error, step) for step, error in carried.failures], *carried.below]
        return GraphQLResponse(carried.data, errors or None, {"idempotencyReplayed": True} if carried.replayed else {})


def _seconds(deadline: float | None) -> float:
    return SECONDS if deadline is None else min(SECONDS, deadline - TELLING_SECONDS - monotonic())


def calls_of(
    plan: MutationPlan, values: Variables, caller: Caller, action_of: Callable[[WriteStep], Action], most: int
) -> list[tuple[str, Value]]:
    """Return the calls of a mutation, by response key. Raises RequestError with at most `most` errors if any are malformed."""
    calls, faults = list[tuple[str, Value]](), list[Object]()
    for step in plan.steps:
        if not isinstance(step, WriteStep):
            calls.append(step)
            continue
        try:
            calls.append((step.key, make_call(action_of(step), step, values, caller)))
        except GatewayError as error:
            faults.append(located(error, step))
    if faults:
        raise RequestError(faults[:most], faults[0]["extensions"]["code"])
    return calls
