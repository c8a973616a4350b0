"""SQLAlchemy Core clauses compiled once to the driver's SQL text, and the few operators whose SQL differs by database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import Any, TypeAlias

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    Dialect,
    FromClause,
    Join,
    SmallInteger,
    String,
    Table,
    bindparam,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from schema.sql_types import Clause, SelectOf, SqlType
from schema.values import Value, Values

from .columns import Instant


class _SqliteCompiler(SQLiteCompiler):
    @override
    def limit_clause(self, select: Value, **kw: Value) -> str:
        """Without `OFFSET 0`: the binds of a statement without literals are given by one call into C."""
        offset, limit = select._offset_clause, select._limit_clause  # noqa: SLF001  as SQLAlchemy's own dialects read them
        if offset is None and limit is not None:
            return f"\n LIMIT {self.process(limit, **kw)}"
        text: str = super().limit_clause(select, **kw)  # type: ignore[no-untyped-call]
        return text


class _SqliteDialect(SQLiteDialect_pysqlite):
    statement_compiler = _SqliteCompiler
    supports_statement_cache = True


SQLITE: Dialect = _SqliteDialect(paramstyle="qmark")
POSTGRESQL: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


BindValues: TypeAlias = Callable[[Values], Sequence[Value]]


@dataclass(slots=True, eq=False)
class Statement:
    """SQL text as the driver takes it, the names of its binds in order, and the values that were literals in the clause.

    `bind` gives the positional binds for values by name. It raises KeyError where a name has no value.
    """

    text: str
    names: tuple[str, ...]
    literals: Values
    lists: frozenset[str]
    bind: BindValues = field(init=False)
    digest: bytes = field(init=False)
    """Stands for the text where only statements of the same text are the same."""

    def __post_init__(self) -> None:
        self.digest = blake2b(self.text.encode(), digest_size=16).digest()
        plain = len(self.names) > 1 and not self.literals and not self.lists
        # One call into C for the most frequent kind: a third of what a loop takes.
        self.bind = itemgetter(*self.names) if plain else self._bind

    def _bind(self, values: Values) -> Sequence[Value]:
        given = {**self.literals, **values}
        return [orjson.dumps(given[name]).decode() if name in self.lists else given[name] for name in self.names]


def compile_statement(dialect: Dialect, clause: ClauseElement) -> Statement:
    """`clause` as SQL text of `dialect`; list binds travel as one JSON text on SQLite and as an array on PostgreSQL."""
    compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    names = tuple(compiled.positiontup or ())
    required = {key for key, bind in compiled.binds.items() if bind.required}
    literals = {name: compiled.params[name] for name in names if name not in required}
    lists = {name for name in names if isinstance(compiled.binds[name], ListBind)} if dialect.name == "sqlite" else set()
    return Statement(str(compiled), names, literals, frozenset(lists))


class ListBind(type(bindparam("x"))):  # type: ignore[misc]
    """A bind whose value is a list, of any length, in one place of the statement: the SQL text doesn't depend on the length."""

    inherit_cache = True


def list_bind(name: str, type_: SqlType) -> ListBind:
    """A bind for a list of values of `type_`."""
    return ListBind(name, type_=ARRAY(type_), required=True)


def compared(column: Clause, name: str) -> Value:
    """A value to compare with `column`. Whole numbers travel as 64 bits: asyncpg refuses what the column's own type can't hold."""
    return bindparam(name, type_=_wide(column), required=True)


def compared_list(column: Clause, name: str) -> Value:
    """A list of values to compare with `column`."""
    return list_bind(name, _wide(column))


def _wide(column: Clause) -> SqlType:
    return BigInteger() if isinstance(column.type, SmallInteger) else column.type


def insert_of(table: Table) -> Value:
    """The INSERT of a row of `table`, whose binds have the names of the columns."""
    return insert(table).values({column.name: bindparam(column.name, required=True) for column in table.c})


class _Operator(ColumnElement[bool]):
    type = Boolean()
    inherit_cache = False
    # SQLite has no booleans, so the compiler would write `… = 1` behind anything that isn't known to be a condition.
    _is_implicitly_boolean = True

    def __init__(self, left: Clause, right: Clause) -> None:
        self.left, self.right = left, right

    @property
    @override
    def _from_objects(self) -> list[Value]:
        return [*self.left._from_objects, *self.right._from_objects]  # noqa: SLF001  SQLAlchemy's documented hook for custom elements


class AnyOf(_Operator):
    """`left` is one of the list bound to `right`."""


class Contains(_Operator):
    """The text `left` has `right` in it; both are case-folded, `%` and `_` are ordinary characters."""


class StartsWith(_Operator):
    """The text `left` begins with `right`; both are case-folded."""


class Unindexed(Clause):
    """A column that SQLite shall not look up in an index: it has no statistics to choose by, PostgreSQL has."""

    inherit_cache = False

    def __init__(self, column: Clause) -> None:
        self.column = column
        self.type = column.type

    @property
    @override
    def _from_objects(self) -> list[Value]:
        return self.column._from_objects  # noqa: SLF001  as above


class JsonRows(ColumnElement[str]):
    """The rows of a SELECT, each the array of its columns, as one JSON text. It may refer to the tables of the statement around it."""

    inherit_cache = False
    type = String()

    def __init__(self, rows: SelectOf, *around: FromClause) -> None:
        self.rows = rows.correlate(*around).subquery()
        self.element = select(_JsonArrays(*self.rows.c)).scalar_subquery()

    @property
    @override
    def _from_objects(self) -> list[Value]:
        return []


class _JsonArrays(FunctionElement[str]):
    inherit_cache = False


@compiles(JsonRows)
def _json_rows(element: JsonRows, compiler: SQLCompiler, **kw: Value) -> str:
    return compiler.process(element.element, **kw)


@compiles(_JsonArrays, "sqlite")
def _json_group_array(element: _JsonArrays, compiler: SQLCompiler, **kw: Value) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


@compiles(_JsonArrays, "postgresql")
def _json_agg(element: _JsonArrays, compiler: SQLCompiler, **kw: Value) -> str:
    columns = ", ".join(_as_text(column, compiler.process(column, **kw)) for column in element.clauses)
    return f"coalesce(json_agg(json_build_array({columns})), '[]')"


def _as_text(column: Clause, code: str) -> str:
    """An instant as it is read outside of JSON, too."""
    instant = isinstance(column.type, Instant)
    return f"""to_char({code} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""" if instant else code


class OrderedJoin(Join):
    """A join of which SQLite always reads the left side first; PostgreSQL's planner decides by itself."""

    inherit_cache = True


@compiles(OrderedJoin, "sqlite")
def _cross_join(element: OrderedJoin, compiler: SQLCompiler, **kw: Value) -> str:
    assert element.onclause is not None
    left, right, condition = (compiler.process(part, **kw) for part in (element.left, element.right, element.onclause))
    return f"{left} CROSS JOIN {right} ON {condition}"


@compiles(Unindexed, "sqlite")
def _unindexed(element: Unindexed, compiler: SQLCompiler, **kw: Value) -> str:
    return f"+{compiler.process(element.column, **kw)}"


@compiles(Unindexed, "postgresql")
def _as_it_is(element: Unindexed, compiler: SQLCompiler, **kw: Value) -> str:
    return compiler.process(element.column, **kw)


def _template(sqlite: str, postgresql: str, kind: type[_Operator]) -> None:
    def render(template: str, element: _Operator, compiler: SQLCompiler, kw: Any) -> str:
        return template.format(compiler.process(element.left, **kw), compiler.process(element.right, **kw))

    compiles(kind, "sqlite")(lambda element, compiler, **kw: render(sqlite, element, compiler, kw))
    compiles(kind, "postgresql")(lambda element, compiler, **kw: render(postgresql, element, compiler, kw))


_template("({0} IN (SELECT value FROM json_each({1})))", "({0} = ANY ({1}))", AnyOf)
_template("(instr({0}, {1}) > 0)", "(strpos({0}, {1}) > 0)", Contains)
_template("(substr({0}, 1, length({1})) = {1})", "starts_with({0}, {1})", StartsWith)
