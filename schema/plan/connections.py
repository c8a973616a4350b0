"""Connections: a page of rows with its cursors, what is told of it, and its counts, at the root or below each of many parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement, bindparam, func, select

from ..rules.errors import BadRequest
from ..rules.text import fold
from ..storage.database import Row
from ..storage.statements import AnyOf, Contains, Statement, list_bind
from .aggregates import EMPTY_SUMMARY, summary_columns, summary_of
from .arguments import Arguments, read_arguments
from .compiler import TYPENAME, Compiler, Plain
from .conditions import MAX_SEARCH, NO_CONDITIONS, FilterModel
from .cost import Cost
from .model import FieldModel
from .order import NEWEST
from .pages import Page, page_size, read_page
from .reading import Reader
from .records import Relation, relate
from .select import Level
from .selections import Selected
from .sources import Connection
from .writer import Writer, make_writer

FEW = 1_000
"""So many matching rows are sorted for less than walking past all the others costs."""

SHAPES = 256
"""How many forms of its arguments a connection keeps statements for."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What of the page is asked for beyond its rows."""

    rows: bool
    cursors: bool
    count: bool
    summary: bool


@dataclass(slots=True)
class _Narrowed:
    """The conditions of a call: their shape and their binds."""

    shape: tuple[Any, ...]
    values: dict[str, Any]


@dataclass(slots=True)
class ConnectionPlan:
    """A connection as compiled; statements are made once for each shape of its arguments."""

    compiler: Compiler
    level: Level
    arguments: Arguments
    writer: Writer
    wanted: _Wanted
    filters: FilterModel | None
    relation: Relation | None
    key: int
    statements: dict[tuple[Any, ...], Statement] = field(default_factory=dict)

    async def run(self, reader: Reader, variables: VariableValues) -> Any:
        """The page at the root. Raises BadRequest for arguments that contradict each other."""
        arguments = self.arguments(variables)
        page, narrowed = read_page(arguments), self._narrow(arguments)
        return await self._single(reader, variables, page, narrowed)

    async def load(self, reader: Reader, keys: list[Any], variables: VariableValues) -> Mapping[Any, Any]:
        """The page of each parent. A fault in the arguments is raised, or stands in place of each page for graphql-core to tell."""
        try:
            arguments = self.arguments(variables)
            page, narrowed = read_page(arguments), self._narrow(arguments)
        except BadRequest as error:
            if self.compiler.raw:
                return dict.fromkeys(keys, error)
            raise
        if len(keys) == 1:
            narrowed.shape = ("parent", *narrowed.shape)
            narrowed.values["parent"] = keys[0]
            return {keys[0]: await self._single(reader, variables, page, narrowed)}
        return await self._grouped(reader, variables, page, narrowed, keys)

    def statements_for(self, variables: VariableValues) -> list[tuple[str, Statement]]:
        """The statements that these variables lead to, each with what it is for. Raises BadRequest."""
        arguments = self.arguments(variables)
        page, narrowed = read_page(arguments), self._narrow(arguments)
        counts = self.wanted.count or self.wanted.summary
        if self.relation is not None:
            found = [("count", self._grouped_count(narrowed))] if counts else []
            return [*found, ("page of each parent", self._grouped_statement(page, narrowed))]
        found = [("count, kept under the workspace's revision", self._count_statement(narrowed))] if counts else []
        return [*found, *([("page", self._page_statement(page, narrowed, walk=True))] if self.wanted.rows else [])]

    def _narrow(self, arguments: Mapping[str, Any]) -> _Narrowed:
        if self.filters is not None:
            conditions = self.filters.read(arguments.get("filter"))
            return _Narrowed((conditions.shape,), conditions.values)
        shape, values = [], {}
        search = arguments.get("search")
        if search:
            if len(search) > MAX_SEARCH:
                message = f"`search` has at most {MAX_SEARCH} characters."
                raise BadRequest(message)
            shape.append("search")
            values["search"] = fold(search)
        if arguments.get("accountId") is not None:
            shape.append("account_id")
            values["account_id"] = arguments["accountId"]
        return _Narrowed((tuple(shape),), values)

    async def _single(self, reader: Reader, variables: VariableValues, page: Page, narrowed: _Narrowed) -> Any:
        values = {**reader.values, **narrowed.values}
        told: dict[str, Any] = {}
        walk = True
        if self.wanted.count or self.wanted.summary:
            counted = await reader.counted(self._count_statement(narrowed), values)
            told = self._told(counted[0])
            # Few rows are found by their values and sorted; many are walked in order until the page is full.
            walk = counted[0][0] > FEW
        rows = await reader.fetch(self._page_statement(page, narrowed, walk=walk), _page_values(values, page)) if self.wanted.rows else []
        return await self._written(reader, variables, page, rows, told)

    async def _written(self, reader: Reader, variables: VariableValues, page: Page, rows: Sequence[Row], told: dict[str, Any]) -> Any:
        more = len(rows) > page.size
        rows = _in_order(rows, page)
        batches = await self.level.batched(reader, rows, variables)
        return self._write(page, rows, told, batches, more=more)

    def _write(self, page: Page, rows: Sequence[Row], told: dict[str, Any], batches: list[Any], *, more: bool) -> Any:
        width = len(self.level.columns)
        cursor_of = page.order.cursor

        def cursor(row: Row) -> str:
            return cursor_of(row[width : width + len(page.order.terms)])

        # A cursor's own row lies beyond the page on its side.
        after = page.position is not None and not page.before
        told["pageInfo"] = {
            "hasNextPage": page.before or (more and not page.backward),
            "hasPreviousPage": after or page.offset > 0 or (more and page.backward),
            "startCursor": cursor(rows[0]) if rows and self.wanted.cursors else None,
            "endCursor": cursor(rows[-1]) if rows and self.wanted.cursors else None,
        }
        return self.writer.call(rows, told, cursor, *batches)

    def _told(self, row: Row) -> dict[str, Any]:
        return {"totalCount": row[0], "summary": summary_of(row) if self.wanted.summary else None}

    async def _grouped(
        self, reader: Reader, variables: VariableValues, page: Page, narrowed: _Narrowed, keys: list[Any]
    ) -> Mapping[Any, Any]:
        values = {**reader.values, **narrowed.values, "parents": keys}
        groups: dict[Any, list[Row]] = {key: [] for key in keys}
        if self.wanted.rows:
            parent = self.level.place(self.relation.parent)  # type: ignore[union-attr]
            for row in await reader.fetch(self._grouped_statement(page, narrowed), _page_values(values, page)):
                groups[row[parent]].append(row)
        told: dict[Any, Row] = {}
        if self.wanted.count or self.wanted.summary:
            told = {row[-1]: row[:-1] for row in await reader.fetch(self._grouped_count(narrowed), values)}
        pages = {key: (len(rows) > page.size, _in_order(rows, page)) for key, rows in groups.items()}
        batches = await self.level.batched(reader, [row for _, rows in pages.values() for row in rows], variables)
        empty = EMPTY_SUMMARY if self.wanted.summary else (0,)
        return {key: self._write(page, rows, self._told(told.get(key, empty)), batches, more=more) for key, (more, rows) in pages.items()}

    def _statement(self, shape: tuple[Any, ...], make: Any) -> Statement:
        statement = self.statements.get(shape)
        if statement is None:
            if len(self.statements) >= SHAPES:
                self.statements.clear()
            statement = self.statements[shape] = self.compiler.sql(make())
        return statement

    def _page_statement(self, page: Page, narrowed: _Narrowed, *, walk: bool) -> Statement:
        def make() -> Any:
            clause = self.level.clause(*self._where(page, narrowed, walk=walk), extra=self._keys(page), source=self._source())
            limit: Any = bindparam("limit", required=True)
            clause = clause.order_by(*page.order.clauses(self.level.table, backward=page.backward)).limit(limit)
            return clause.offset(bindparam("offset", required=True)) if page.offset else clause

        return self._statement(("page", walk, *page.shape, *narrowed.shape), make)

    def _grouped_statement(self, page: Page, narrowed: _Narrowed) -> Statement:
        def make() -> Any:
            assert self.relation is not None
            order = page.order.clauses(self.level.table, backward=page.backward)
            place = func.row_number().over(partition_by=self.relation.parent, order_by=order)
            columns = [*self.level.columns, *self._keys(page)]
            named = [column.label(f"k{index}") for index, column in enumerate(columns)]
            inner = self.level.clause(*self._where(page, narrowed, many=True), source=self._source()).with_only_columns(
                *named, place.label("place")
            )
            numbered = inner.subquery("numbered")
            chosen = [numbered.c[f"k{index}"] for index in range(len(columns))]
            offset: Any = bindparam("offset", required=True)
            limit: Any = bindparam("limit", required=True)
            return select(*chosen).where(numbered.c.place > offset, numbered.c.place <= offset + limit).order_by(numbered.c.place)

        return self._statement(("grouped", *page.shape, *narrowed.shape), make)

    def _count_statement(self, narrowed: _Narrowed) -> Statement:
        return self._statement(("count", *narrowed.shape), lambda: self._counting(narrowed))

    def _grouped_count(self, narrowed: _Narrowed) -> Statement:
        def make() -> Any:
            assert self.relation is not None
            parent = self.relation.parent
            return self._counting(narrowed, many=True).add_columns(parent).group_by(parent)

        return self._statement(("grouped count", *narrowed.shape), make)

    def _counting(self, narrowed: _Narrowed, *, many: bool = False) -> Any:
        table = self.level.table
        columns = summary_columns(table) if self.wanted.summary else [func.count()]
        source = self._source()
        return (
            select(*columns)
            .select_from(table if source is None else source)
            .where(*self.level.permitted(), *self._conditions(narrowed, many=many))
        )

    def _source(self) -> Any:
        return self.relation.source if self.relation is not None else None

    def _keys(self, page: Page) -> list[Any]:
        return [self.level.table.c[column] for column in page.order.columns()] if self.wanted.cursors else []

    def _where(self, page: Page, narrowed: _Narrowed, *, many: bool = False, walk: bool = False) -> list[ColumnElement[bool]]:
        where = self._conditions(narrowed, many=many, walk=walk and page.order is NEWEST)
        if page.position is not None:
            nulls = tuple(value is None for value in page.position)
            where.append(page.order.beyond(self.level.table, nulls, backward=page.before))
        return where

    def _conditions(self, narrowed: _Narrowed, *, many: bool, walk: bool = False) -> list[ColumnElement[bool]]:
        table = self.level.table
        where: list[ColumnElement[bool]] = []
        if self.relation is not None:
            parent = self.relation.parent
            alone = parent == bindparam("parent", type_=parent.type, required=True)
            where += [*self.relation.where, AnyOf(parent, list_bind("parents", parent.type)) if many else alone]
        shape = narrowed.shape[-1]
        if self.filters is not None:
            return where if shape == NO_CONDITIONS else [*where, self.filters.sql(shape, table, limited=self.level.limited, walk=walk)]
        for name in shape:
            if name == "search":
                column = table.c[self.level.stored.search or ""]
                where.append(Contains(column, bindparam("search", type_=column.type, required=True)))
            else:
                where.append(table.c[name] == bindparam(name, type_=table.c[name].type, required=True))
        return where


def _page_values(values: dict[str, Any], page: Page) -> dict[str, Any]:
    found = {**values, "limit": page.size + 1, "offset": page.offset}
    if page.position is not None:
        found.update({f"c{place}": value for place, value in enumerate(page.position)})
    return found


def _in_order(rows: Sequence[Row], page: Page) -> Sequence[Row]:
    rows = rows[: page.size]
    return rows[::-1] if page.backward else rows


def compile_connection(
    compiler: Compiler, source: Connection, model: FieldModel, selected: Selected, parent: int
) -> tuple[ConnectionPlan, Cost]:
    """The plan of a connection field; `parent` is the place of its parents' key in their rows, 0 at the root."""
    level = compiler.level(compiler.model.stored(source.type_name))
    relation = relate(level, level.stored, source.by) if source.by is not None else None
    if relation is not None:
        level.place(relation.parent)
    type_: Any = get_named_type(model.definition.type)
    asked = compiler.selections.below(selected, type_)
    parts = _Parts(compiler, level)
    code = parts.connection(type_, asked)
    writer = make_writer(f"rows, p, cursor{level.parameters}", code, compiler.names)
    arguments = read_arguments(model.definition, selected.node)
    filters = compiler.filters if "filter" in model.definition.args else None
    cost = Cost(parts.fixed, [(lambda variables: page_size(arguments(variables)), parts.item)])
    return ConnectionPlan(compiler, level, arguments, writer, parts.wanted(), filters, relation, parent), cost


@dataclass(slots=True)
class _Parts:
    """Writes a connection's code, and notes what it needs."""

    compiler: Compiler
    level: Level
    fixed: int = 1
    item: Cost = field(default_factory=Cost)
    names: set[str] = field(default_factory=set)

    def wanted(self) -> _Wanted:
        names = self.names
        rows = not names.isdisjoint({"node", "nodes", "edges", "pageInfo", "cursor"})
        return _Wanted(rows, not names.isdisjoint({"cursor", "startCursor", "endCursor"}), "totalCount" in names, "summary" in names)

    def connection(self, type_: GraphQLObjectType, asked: list[Selected]) -> str:
        return self._object(type_, asked, self._part)

    def _part(self, type_: GraphQLObjectType, selected: Selected) -> str:
        self.names.add(selected.name)
        inner: Any = get_named_type(type_.fields[selected.name].type)
        if selected.name == "edges":
            below = self.compiler.selections.below(selected, inner)
            self.item.add(Cost(1))
            return f"[{self._object(inner, below, self._edge_part)} for {self.level.row} in rows]"
        if selected.name == "nodes":
            return f"[{self._node(inner, selected)} for {self.level.row} in rows]"
        if selected.name in {"pageInfo", "summary"}:
            below = self.compiler.selections.below(selected, inner)
            self.names.update(field.name for field in below)
            code, cost = self.compiler.plain(Plain(f"p[{selected.name!r}]", "[{}]"), inner, below)
            self.fixed += cost.own
            return code
        return f"p[{selected.name!r}]"

    def _edge_part(self, type_: GraphQLObjectType, selected: Selected) -> str:
        self.names.add(selected.name)
        if selected.name == "cursor":
            return f"cursor({self.level.row})"
        return self._node(get_named_type(type_.fields["node"].type), selected)

    def _node(self, type_: Any, selected: Selected) -> str:
        below = self.compiler.selections.below(selected, type_)
        code, cost = self.compiler.object(self.level, self.level.table, type_, below)
        self.item.add(cost)
        return code

    def _object(self, type_: GraphQLObjectType, asked: list[Selected], part: Any) -> str:
        parts = [f"None: {type_.name!r}"] if self.compiler.raw else []
        for selected in asked:
            if selected.name != TYPENAME:
                parts.append(f"{selected.key!r}: {part(type_, selected)}")
            elif not self.compiler.raw:
                parts.append(f"{selected.key!r}: {type_.name!r}")
        return "{" + ", ".join(parts) + "}"
