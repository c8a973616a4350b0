"""Mutations that a Python function answers: called within the transaction, its answer completed there, and kept as others are."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import GraphQLError, GraphQLObjectType

from schema.engine.compile.operation import WriteStep
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.resolver_field import ResolverField
from schema.engine.execute.resolvers.run import ResolverOperation, ResolverRun
from schema.rules.errors import GatewayError
from schema.values import Object, Value, Values

from .mutation_call import UNCOUNTED, Action
from .unit_of_work import UnitOfWork, WriteContext
from .write_transaction import WriteTransaction


class ResolverError(Exception):
    """An exception of a mutation's resolver: the error of its field, whose changes were rolled back."""


@dataclass(frozen=True, slots=True)
class ResolverMutation:
    """A mutation with resolvers: its root type, the actions that resolvers may run, its variables, the most bytes of its response."""

    root: GraphQLObjectType
    actions: Mapping[str, Action]
    variables: Variables
    asked: ResolverOperation
    limit: int

    def action(self, step: WriteStep) -> Action:
        """Return the action of a root field."""
        if step.resolver is None:
            return self.actions[step.name]
        resolver_field: Value = step.resolver

        async def run(transaction: WriteTransaction, _: Values) -> Object:
            return await self._resolved(resolver_field, transaction)

        return Action(run, admin=step.admin)

    async def _resolved(self, resolver_field: ResolverField, transaction: WriteTransaction) -> Object:
        unit = UnitOfWork(transaction, self.root, resolver_field.selected.name, self.actions)
        try:
            return await self._answered(resolver_field, transaction, unit)
        finally:
            unit.end()

    async def _answered(self, resolver_field: ResolverField, transaction: WriteTransaction, unit: UnitOfWork) -> Object:
        context = WriteContext(transaction.caller, transaction.database, unit=unit)
        run = ResolverRun(context, self.variables, UNCOUNTED, self.limit, self.asked, transaction.connection, unit.one_by_one)
        (value,) = await run.call(resolver_field, resolver_field.owner, [0], [None])
        unit.check()
        if isinstance(value, Exception):
            try:
                raise value if isinstance(value, GatewayError | GraphQLError) else ResolverError(str(value)) from value
            finally:
                # It holds this call by its traceback.
                del value
        (payload,) = await resolver_field.completion.many([value], run)
        unit.check()
        refusals = getattr(value, "user_errors", None) or []
        return {"payload": payload, "bytes": run.bytes, "notes": run.left(), "failed": run.failed, "token": None, "userErrors": refusals}
