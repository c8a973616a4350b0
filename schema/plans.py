"""Plans: an operation is compiled once for each sight of the data and each set of booleans that decide its shape; then it is kept."""

from functools import partial
from typing import Any

from graphql import GraphQLSchema

from .documents import Documents, Prepared, request_error
from .plan.compiler import STATEMENTS, STATEMENTS_BYTES, Compiler
from .plan.fairness import HeavyWork
from .plan.kept import Kept
from .plan.model import Model
from .plan.operation import COMPILERS, PARTS
from .plan.resolvers.site import compile_site, make_site, refuse
from .plan.selections import Selections
from .plan.variables import Variables
from .rules.access import Caller, Role
from .rules.errors import BadRequest
from .storage.database import Database
from .storage.statements import Statement
from .write.actions import WORKED_OUT


class Plans:
    """The plans of `documents` on a database. New ones are made in turn with the other heavy `work`.

    A `raw` plan reads what graphql-core completes.
    """

    def __init__(self, schema: GraphQLSchema, database: Database, documents: Documents, work: HeavyWork) -> None:
        self._schema = schema
        self._database = database
        self._documents = documents
        self._work = work
        self._model = Model(schema)
        self._statements: Kept[Statement] = Kept(STATEMENTS, STATEMENTS_BYTES)

    def known(self, prepared: Prepared, values: Variables, caller: Caller, *, raw: bool = False) -> Any:
        """The operation's plan for `caller`; None where it isn't kept."""
        sight = (caller.account_id is not None, caller.role is Role.ADMIN, raw)
        deciding = prepared.deciding
        return prepared.plans.get((*sight, *[values.coerced.get(name) for name in deciding]) if deciding else sight)

    async def new(self, prepared: Prepared, values: Variables, caller: Caller, *, raw: bool = False) -> Any:
        """The same, made if need be. Raises ServiceUnavailable where too much heavy work waits."""
        booleans = [values.coerced.get(name) for name in prepared.deciding]
        key = (prepared.mark, caller.account_id is not None, caller.role, raw, *booleans)
        return await self._work.once(key, caller.token_id, partial(self.make, prepared, values, caller, raw=raw), ahead=True)

    def make(self, prepared: Prepared, values: Variables, caller: Caller, *, raw: bool = False) -> Any:
        """The same, made now."""
        plan = self.known(prepared, values, caller, raw=raw)
        if plan is None:
            booleans = {name: values.coerced.get(name) for name in prepared.deciding}
            sight = (caller.account_id is not None, caller.role is Role.ADMIN, raw)
            plan = self._compile(prepared, booleans, sight)
            self._documents.keep_plan(prepared, (*sight, *booleans.values()), plan)
        return plan

    def _compile(self, prepared: Prepared, booleans: dict[str, bool | None], sight: tuple[bool, bool, bool]) -> Any:
        selections = Selections(self._schema, prepared.document, prepared.operation, booleans)
        limited, admin, raw = sight
        compiler = Compiler(
            self._model,
            self._database,
            selections,
            limited,
            admin,
            raw,
            self._model.formats.names,
            self._statements,
            **PARTS,
            resolved=compile_site if prepared.kind == "query" else refuse,
            site=make_site,
            worked_out=WORKED_OUT,
        )
        try:
            return COMPILERS[prepared.kind](compiler)
        except BadRequest as error:
            raise request_error(str(error)) from error
