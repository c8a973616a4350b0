"""Plans: an operation is compiled once for each visibility of the data and each set of booleans that decide its shape; then it is kept."""

from functools import partial

from graphql import GraphQLSchema

from schema.engine.cache import SizedCache
from schema.engine.compile.compiler import STATEMENTS, STATEMENTS_BYTES, Compiler
from schema.engine.compile.model import Model
from schema.engine.compile.operation import COMPILERS, PARTS
from schema.engine.compile.scopes import RequiredScopes, Scopes
from schema.engine.compile.sources import ResolverSource, SqlExpression
from schema.engine.document.documents import DocumentCache, PreparedOperation, RequestError, request_error
from schema.engine.document.selections import Selections
from schema.engine.document.variables import Variables
from schema.rules.access import Caller, Role
from schema.rules.errors import BadRequest, Forbidden
from schema.rules.scopes import listed
from schema.storage.database import Database
from schema.storage.statements import Statement
from schema.values import Value, Values

from .fairness import HeavyWork
from .resolvers.resolver_field import compile_resolver_field, make_resolver_field


class Plans:
    """The plans of `documents` on a database. New ones are made in turn with the other heavy `work`.

    `worked_out` are queries that a write's rules answer, by name. A plan `for_fallback` reads what graphql-core completes.
    """

    def __init__(self, schema: GraphQLSchema, database: Database, documents: DocumentCache, work: HeavyWork, worked_out: Values) -> None:
        self._schema = schema
        self._database = database
        self._documents = documents
        self._work = work
        self._worked_out = worked_out
        self._model = Model(schema)
        self.scopes = Scopes(self._model)
        self._statements: SizedCache[Statement] = SizedCache(STATEMENTS, STATEMENTS_BYTES)
        self.missed = 0
        """How often no plan was cached for an operation."""

    def permit(self, prepared: PreparedOperation, values: Variables, held: frozenset[str]) -> None:
        """Raises RequestError, of code FORBIDDEN, where an operation needs other scopes than those that a token has."""
        if missing := self.missing(prepared, values, held):
            message = f"The token lacks the scope{'s' if len(missing) > 1 else ''} {listed(missing)}."
            raise _forbidden(message, missingScopes=missing)

    def is_stored(self, type_name: str, field: str) -> bool:
        """Whether a field's value is stored: neither computed in SQL nor answered by a resolver."""
        return not isinstance(self._model.field(type_name, field).source, SqlExpression | ResolverSource)

    def missing(self, prepared: PreparedOperation, values: Variables, held: frozenset[str]) -> list[str]:
        """The scopes that an operation needs and a token hasn't. Raises RequestError for a field that no scope allows."""
        needs = self._needs(prepared, values)
        if needs.undecided:
            raise _forbidden(f"No scope allows {listed(needs.undecided)}: send a token without scopes.")
        return needs.missing(held, values)

    def _needs(self, prepared: PreparedOperation, values: Variables) -> RequiredScopes:
        """The scopes that an operation needs, kept with its plans."""
        booleans = {name: values.coerced.get(name) for name in prepared.deciding}
        key = ("scopes", *booleans.values())
        found: RequiredScopes | None = prepared.plans.get(key)
        if found is None:
            found = self.scopes.needs(Selections(self._schema, prepared.document, prepared.operation, booleans), prepared.kind)
            self._documents.keep_plan(prepared, key, found)
        return found

    async def new(self, prepared: PreparedOperation, values: Variables, caller: Caller, *, for_fallback: bool = False) -> Value:
        """The operation's plan for `caller`, made if need be. Raises ServiceUnavailable where too much heavy work waits."""
        self.missed += not for_fallback
        booleans = [values.coerced.get(name) for name in prepared.deciding]
        key = (prepared.mark, caller.account_id is not None, caller.role, for_fallback, *booleans)
        return await self._work.once(
            key, caller.token_id, partial(self.make, prepared, values, caller, for_fallback=for_fallback), ahead=True
        )

    def make(self, prepared: PreparedOperation, values: Variables, caller: Caller, *, for_fallback: bool = False) -> Value:
        """The same, made now."""
        plan = prepared.plan_for(caller, values, for_fallback=for_fallback)
        if plan is None:
            booleans = {name: values.coerced.get(name) for name in prepared.deciding}
            visibility = (caller.account_id is not None, caller.role is Role.ADMIN, for_fallback)
            plan = self._compile(prepared, booleans, visibility)
            self._documents.keep_plan(prepared, (*visibility, *booleans.values()), plan)
        return plan

    def _compile(self, prepared: PreparedOperation, booleans: dict[str, bool | None], visibility: tuple[bool, bool, bool]) -> Value:
        selections = Selections(self._schema, prepared.document, prepared.operation, booleans)
        limited, admin, for_fallback = visibility
        compiler = Compiler(
            self._model,
            self._database,
            selections,
            limited,
            admin,
            for_fallback,
            self._model.formats.names,
            self._statements,
            **PARTS,
            resolved=compile_resolver_field,
            resolver_field=make_resolver_field,
            worked_out=self._worked_out,
        )
        try:
            return COMPILERS[prepared.kind](compiler)
        except BadRequest as error:
            raise request_error(str(error)) from error


def _forbidden(message: str, **more: Value) -> RequestError:
    extensions = {"code": Forbidden.code, "reason": Forbidden.reason, **more}
    return RequestError([{"message": message, "extensions": extensions}], Forbidden.code)
