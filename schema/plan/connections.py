"""Connections: a page of rows with its cursors, what is told of it, and its counts, at the root or below each of many parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from ..rules.errors import BadRequest
from ..rules.text import fold
from ..storage.database import Row
from ..storage.statements import Statement
from .aggregates import EMPTY_SUMMARY, summary_of
from .arguments import Arguments, read_arguments
from .compiler import Compiler, Plain
from .conditions import MAX_SEARCH
from .connection_sql import Asked, ConnectionSql, Wanted
from .cost import COUNT, SUMS, Cost, paged
from .model import FieldModel
from .pages import Page, page_size, read_page
from .reading import Moved, Reader
from .records import relate
from .select import Level
from .selections import Selected
from .sources import Connection
from .variables import Variables
from .weight import SCALARS, Parents, Weight
from .writer import Writer, make_writer

FEW = 1_000
"""So many matching rows are sorted for less than walking past all the others costs."""

LOOKS = 3
"""How often page and count are read one after the other before they are read in a transaction."""


@dataclass(slots=True, eq=False)
class ConnectionPlan:
    """A connection as compiled; statements are made once for each shape of its arguments.

    `around` is how many bytes a page takes in the answer without its rows and cursors, at most.
    """

    level: Level
    arguments: Arguments
    writer: Writer
    sql: ConnectionSql
    key: int
    raw: bool
    around: int
    cursors: "Cursors"

    @property
    def wanted(self) -> Wanted:
        """What of the page is asked for beyond its rows."""
        return self.sql.wanted

    async def run(self, reader: Reader, variables: Variables) -> Any:
        """The page at the root. Raises BadRequest for arguments that contradict each other, Moved."""
        asked = self.asked(variables)
        if not reader.alone:
            return await self._single(reader, variables, asked)
        rows, told = await self._at_one_revision(reader, asked, {**reader.values, **asked.values})
        self._weigh(reader, asked.page, _in_order(rows, asked.page))
        return self._write(asked.page, rows, told, [])

    async def load(self, reader: Reader, parents: Parents, variables: Variables) -> Mapping[Any, Any]:
        """The page of each parent. A fault in the arguments is raised, or stands in place of each page for graphql-core to tell."""
        try:
            asked = self.asked(variables)
        except BadRequest as error:
            if self.raw:
                return dict.fromkeys(parents.keys, error)
            raise
        if len(parents.keys) == 1:
            (key,) = parents.keys
            return {key: await self._single(reader, variables, asked.of_parent(key), parents)}
        return await self._grouped(reader, variables, asked, parents)

    def statements_for(self, variables: Variables) -> list[tuple[str, Statement]]:
        """The statements that these variables lead to, each with what it is for. Raises BadRequest."""
        asked = self.asked(variables)
        if self.sql.relation is not None:
            found = [("count", self.sql.grouped_count(asked))] if self.wanted.counts else []
            return [*found, ("page of each parent", self.sql.grouped(asked))]
        found = [("count, kept under the workspace's revision", self.sql.count(asked))] if self.wanted.counts else []
        return [*found, *([("page", self.sql.page(asked, walk=True))] if self.wanted.rows else [])]

    def asked(self, variables: Variables) -> Asked:
        """What the arguments say, which is read once. Raises BadRequest for what they can't be."""
        found: Asked | None = variables.read.get(self)
        if found is None:
            arguments = self.arguments(variables)
            page = read_page(arguments)
            shape, values = self._narrow(arguments)
            found = Asked(page, shape, {**values, **_page_values(page)})
            variables.keep(self, found)
        return found

    def _narrow(self, arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self.sql.filters is not None:
            conditions = self.sql.filters.read(arguments.get("filter"))
            return (conditions.shape,), conditions.values
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
        return (tuple(shape),), values

    async def _at_one_revision(self, reader: Reader, asked: Asked, values: dict[str, Any]) -> tuple[Sequence[Row], dict[str, Any]]:
        """Page and count without a transaction: what two statements saw at the same revision is one state of the workspace.

        Raises Moved where it kept changing, or where no row told the revision.
        """
        if not self.wanted.counts:
            return await reader.fetch(self.sql.page(asked, walk=True), values), {}
        counting = self.sql.count(asked)
        counted = reader.known(counting, values) or await reader.count(counting, values)
        for _ in range(LOOKS):
            rows, revision = await self._page_at(reader, asked, values, counted.row[0])
            if rows and revision != counted.revision:
                counted = await reader.count(counting, values)
            if revision == counted.revision:
                reader.seen = revision
                return rows, self._told(counted.row)
            if not rows:
                # That there are none is only known at the revision of the count.
                counted = await reader.count(counting, values)
        raise Moved

    async def _page_at(self, reader: Reader, asked: Asked, values: dict[str, Any], count: int) -> tuple[Sequence[Row], int]:
        """The rows of a page and the revision that they are of, of a list that had `count` rows. Raises Moved."""
        if count <= asked.page.offset:
            return [], await reader.look()
        rows = await reader.fetch(self.sql.page(asked, walk=count > FEW), values)
        if not rows:
            raise Moved
        return rows, rows[0][-1]

    async def _single(self, reader: Reader, variables: Variables, asked: Asked, parents: Parents | None = None) -> Any:
        values = {**reader.values, **asked.values}
        told: dict[str, Any] = {}
        walk, nothing = True, not self.wanted.rows
        if self.wanted.counts:
            row = await reader.counted(self.sql.count(asked), values)
            told = self._told(row)
            # Few rows are found by their values and sorted; many are walked in order until the page is full.
            walk, nothing = row[0] > FEW, nothing or row[0] <= asked.page.offset
        rows = [] if nothing else await reader.fetch(self.sql.page(asked, walk=walk), values)
        shown = _in_order(rows, asked.page)
        self._weigh(reader, asked.page, shown, parents)
        batches = await self.level.batched(reader, shown, variables, parents, self._parent)
        return self._write(asked.page, rows, told, batches)

    @property
    def _parent(self) -> int:
        """The place of the parent's key in a row; 0 where there is no parent."""
        return 0 if self.sql.relation is None else self.level.place(self.sql.relation.parent)

    def _weigh(self, reader: Reader, page: Page, rows: Sequence[Row], parents: Parents | None = None) -> None:
        """Counts the rows of a page, or of the pages of many parents, towards the answer. Raises TooLarge."""
        self.level.weigh(reader, rows, parents, self._parent)
        if self.wanted.cursors and rows:
            longest = page.order.longest([row[len(self.level.columns) :] for row in rows])
            pages = 1 if parents is None else len(parents.keys)
            count = self.cursors.of_row * len(rows) + self.cursors.of_page * pages
            reader.add(longest * count * (1 if parents is None else parents.most))

    def _write(self, page: Page, rows: Sequence[Row], told: dict[str, Any], batches: list[Any]) -> Any:
        """The page of rows as they were read, of which there may be one more than it holds."""
        more, rows = len(rows) > page.size, _in_order(rows, page)
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

    async def _grouped(self, reader: Reader, variables: Variables, asked: Asked, parents: Parents) -> Mapping[Any, Any]:
        values = {**reader.values, **asked.values, "parents": parents.keys}
        groups: dict[Any, list[Row]] = {key: [] for key in parents.keys}
        if self.wanted.rows:
            parent = self._parent
            for row in await reader.fetch_many(self.sql.grouped(asked), values, self.level.weight):
                groups[row[parent]].append(row)
        told: dict[Any, Row] = {}
        if self.wanted.counts:
            told = {row[-1]: row[:-1] for row in await reader.fetch(self.sql.grouped_count(asked), values)}
        shown = [row for rows in groups.values() for row in _in_order(rows, asked.page)]
        self._weigh(reader, asked.page, shown, parents)
        batches = await self.level.batched(reader, shown, variables, parents, self._parent)
        empty = EMPTY_SUMMARY if self.wanted.summary else (0,)
        return {key: self._write(asked.page, rows, self._told(told.get(key, empty)), batches) for key, rows in groups.items()}


def _page_values(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = {"limit": page.size + 1, "offset": page.offset}
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
    code, cost = parts.connection(type_, asked)
    writer = make_writer(f"rows, p, cursor{level.parameters}", code, compiler.names)
    arguments = read_arguments(model.definition, selected.node)
    filters = compiler.filters if "filter" in model.definition.args else None
    cost.add(paged(lambda variables: page_size(arguments(variables)), parts.item))
    sql = ConnectionSql(compiler, level, parts.wanted(), filters, relation)
    plan = ConnectionPlan(level, arguments, writer, sql, parent, compiler.raw, parts.around.fixed, parts.cursors)
    compiler.checks.append(plan.asked)
    return plan, cost


@dataclass(slots=True)
class Cursors:
    """How many cursors are asked for: of each row, and of each page."""

    of_row: int = 0
    of_page: int = 0


@dataclass(slots=True)
class _Parts:
    """Writes a connection's code, and notes what it needs: `item` is the cost of a row, `around` the bytes of a page without its rows."""

    compiler: Compiler
    level: Level
    item: Cost = field(default_factory=Cost)
    around: Weight = field(default_factory=lambda: Weight("p"))
    cursors: Cursors = field(default_factory=Cursors)
    names: set[str] = field(default_factory=set)

    def wanted(self) -> Wanted:
        names = self.names
        rows = not names.isdisjoint({"node", "nodes", "edges", "pageInfo", "cursor"})
        return Wanted(rows, bool(self.cursors.of_row or self.cursors.of_page), "totalCount" in names, "summary" in names)

    def connection(self, type_: GraphQLObjectType, asked: list[Selected]) -> tuple[str, Cost]:
        return self.compiler.members(type_, asked, self.around, lambda selected: self._part(type_, selected))

    def _part(self, type_: GraphQLObjectType, selected: Selected) -> tuple[str, Cost]:
        self.names.add(selected.name)
        inner: Any = get_named_type(type_.fields[selected.name].type)
        if selected.name in {"edges", "nodes"}:
            self.around.fixed += len("[]")
            code, cost = self._edge(inner, selected) if selected.name == "edges" else self._node(inner, selected)
            self.item.add(cost)
            return f"[{code} for {self.level.row} in rows]", Cost()
        if selected.name in {"pageInfo", "summary"}:
            return self._told(inner, selected)
        self.around.fixed += SCALARS["Int"]
        return f"p[{selected.name!r}]", Cost(COUNT)

    def _told(self, type_: GraphQLObjectType, selected: Selected) -> tuple[str, Cost]:
        """What is told of a page, or of all that match."""
        below = self.compiler.selections.below(selected, type_)
        self.cursors.of_page += sum([field.name in {"startCursor", "endCursor"} for field in below])
        plain = Plain(f"p[{selected.name!r}]", "[{}]")
        code, cost = self.compiler.plain(plain, type_, below)
        self.around.fixed += plain.weight.fixed
        return code, Cost(SUMS) if selected.name == "summary" else cost

    def _edge(self, type_: GraphQLObjectType, selected: Selected) -> tuple[str, Cost]:
        below = self.compiler.selections.below(selected, type_)
        return self.compiler.members(type_, below, self.level.weight, lambda part: self._edge_part(type_, part))

    def _edge_part(self, type_: GraphQLObjectType, selected: Selected) -> tuple[str, Cost]:
        self.names.add(selected.name)
        if selected.name == "cursor":
            self.cursors.of_row += 1
            return f"cursor({self.level.row})", Cost()
        return self._node(get_named_type(type_.fields["node"].type), selected)

    def _node(self, type_: Any, selected: Selected) -> tuple[str, Cost]:
        below = self.compiler.selections.below(selected, type_)
        return self.compiler.object(self.level, self.level.table, type_, below)
