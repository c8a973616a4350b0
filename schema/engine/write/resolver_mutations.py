"""Mutations that a Python function answers: called within the transaction, its answer completed there, and kept as others are."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import GraphQLError, GraphQLObjectType

from schema.engine.compile.operation import WriteStep
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.resolver_field import Site
from schema.engine.execute.resolvers.run import AskedOperation, ResolverRun
from schema.rules.errors import GatewayError
from schema.values import Object, Value, Values

from .mutation_call import UNCOUNTED, Action
from .unit_of_work import UnitOfWork, WriteContext
from .write_transaction import WriteTransaction


class ResolverError(Exception):
    """What a mutation's resolver raised: the error of its field, which was rolled back."""


@dataclass(frozen=True, slots=True)
class ResolverMutation:
    """A mutation as asked for: its root type, the actions that its resolvers may carry out, its variables, its answer's bytes at most."""

    root: GraphQLObjectType
    actions: Mapping[str, Action]
    variables: Variables
    asked: AskedOperation
    limit: int

    def action(self, step: WriteStep) -> Action:
        """What a root field does."""
        if step.resolver is None:
            return self.actions[step.name]
        site: Value = step.resolver

        async def run(writing: WriteTransaction, _: Values) -> Object:
            return await self._resolved(site, writing)

        return Action(run, admin=step.admin)

    async def _resolved(self, site: Site, writing: WriteTransaction) -> Object:
        unit = UnitOfWork(writing, self.root, site.selected.name, self.actions)
        context = WriteContext(writing.caller, writing.database, unit=unit)
        run = ResolverRun(context, self.variables, UNCOUNTED, self.limit, self.asked, writing.connection, unit.one_by_one)
        (value,) = await run.call(site, site.owner, [0], [None])
        unit.check()
        if isinstance(value, Exception):
            raise value if isinstance(value, GatewayError | GraphQLError) else ResolverError(str(value)) from value
        (payload,) = await site.completing.many([value], run)
        unit.check()
        refusals = getattr(value, "user_errors", None) or []
        return {"payload": payload, "bytes": run.bytes, "notes": run.left(), "failed": run.failed, "token": None, "userErrors": refusals}
