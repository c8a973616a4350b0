"""Connections: a page of rows with its cursors, page info and counts, at the root or below each of many parents."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import get_named_type

from schema.engine.cache import SizedCache
from schema.engine.compile.data_reader import DataReader, RevisionChanged
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.rules.errors import BadRequest, CursorExpired
from schema.rules.text import fold_name, trimmed
from schema.storage.database import Row
from schema.storage.statements import Statement
from schema.values import CacheKey, Object, Value, Values

from .arguments import Arguments, read_arguments
from .compiler import Compiler, ParentsKind
from .conditions import MAX_SEARCH, NO_CONDITIONS, ParsedFilter
from .connection_code import ConnectionCode, Cursors
from .connection_sql import ConnectionSql, PageParts, PageQuery, Purpose
from .cost import Cost, paged
from .model import FieldModel
from .pages import PageRequest, page_size, read_page
from .related import relate
from .response_size import ParentCounts
from .select import Level
from .sources import ConnectionSource
from .writer import GeneratedFunction, make_writer

SORT_BELOW = 1_000
"""Below this number of matching rows, sorting them costs less than walking past all other rows."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

SNAPSHOT_ATTEMPTS = 3
"""How often page and count are read by separate statements before they are read in one transaction."""


@dataclass(slots=True)
class LoadedPage:
    """A page as read: its rows, and one more if there is one; the numbers over all rows that match; whether rows stand beside the page."""

    rows: Sequence[Row]
    numbers: Object
    beside: bool = False


@dataclass(slots=True, eq=False)
class ConnectionPlan:
    """A connection as compiled; statements are made once for each shape of its arguments.

    `around` is how many bytes a page takes in the answer without its rows and cursors, at most.
    """

    level: Level
    arguments: Arguments
    writer: GeneratedFunction
    sql: ConnectionSql
    key: int
    for_fallback: bool
    around: int
    cursors: Cursors
    statements: SizedCache[Statement] = field(init=False)
    """The cached statements of all plans."""
    mark: object = field(default_factory=object)
    """Identifies this object in caches that may outlive it."""
    wanted: PageParts = field(init=False)
    """The selected parts of a page beside its rows."""
    parent: int = field(init=False)
    """The index of the parent's key in a row; 0 if there is no parent."""

    def __post_init__(self) -> None:
        self.wanted, self.statements = self.sql.wanted, self.sql.compiler.statements
        self.parent = 0 if self.sql.relation is None else self.level.place(self.sql.relation.parent)

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        """The page at the root. Raises BadRequest for arguments that contradict each other, RevisionChanged."""
        asked = self.asked_in(variables, reader.caller.workspace_id)
        if not reader.single_statement:
            return await self._single(reader, variables, asked)
        values = {**reader.values, **asked.values}
        found = LoadedPage(*await self._at_one_revision(reader, asked, values))
        self._weigh(reader, asked.page, _in_order(found.rows, asked.page))
        if not asked.page.begins:
            found.beside = await self._beside(reader, asked, values, found)
        return self._write(asked.page, found, self._cursor_of(reader, asked.page), [])

    async def load(self, reader: DataReader, parents: ParentCounts, variables: Variables) -> Mapping[Value, Value]:
        """Return the page of each parent. An error in the arguments is raised, or takes each page's place, for graphql-core to report."""
        try:
            asked = self.asked_in(variables, reader.caller.workspace_id)
        except (BadRequest, CursorExpired) as error:
            if self.for_fallback:
                return dict.fromkeys(parents.keys, error.with_traceback(None))
            raise
        if len(parents.keys) == 1:
            (key,) = parents.keys
            return {key: await self._single(reader, variables, asked.of_parent(key), parents)}
        return await self._grouped(reader, variables, asked, parents)

    def statements_for(self, variables: Variables) -> list[tuple[str, Statement]]:
        """The statements that these variables lead to, each with what it is for. Raises BadRequest."""
        asked = self.asked(variables)
        told: list[tuple[str, Purpose, bool]] = [
            ("count, kept under the workspace's revision", "count", self.wanted.counts),
            ("page", "walk", self.wanted.rows),
            (
                "whether rows stand at the cursor or behind it",
                "beside",
                asked.page.position is not None and asked.page.side in self.wanted.sides,
            ),
        ]
        if self.sql.relation is not None:
            told = [("count", "grouped count", self.wanted.counts), ("page of each parent", "grouped", True)]
        return [(name, self.sql.of(purpose, asked)) for name, purpose, is_wanted in told if is_wanted]

    def compile(self, variables: Variables, parents: ParentsKind) -> None:
        if (self.sql.relation is None) == (parents == "none"):
            with suppress(BadRequest):
                asked = self.asked(variables)
                looks = not asked.page.begins and asked.page.side in self.wanted.sides
                self.sql.compile(asked, parents, looks=looks)

    def asked(self, variables: Variables) -> PageQuery:
        """Return the parsed arguments, parsed once for each set of variables. Raises BadRequest."""
        found: PageQuery | None = variables.read.get(self.mark)
        if found is None:
            arguments = self.arguments(variables)
            page = read_page(arguments, self.level.stored)
            page.places = self.sql.places(page)
            shape, values = self._narrow(arguments)
            found = PageQuery(page, shape, {**values, **_page_values(page)})
            variables.keep(self.mark, found, found.size)
        return found

    def asked_in(self, variables: Variables, workspace_id: str) -> PageQuery:
        """The same in a workspace, whose cursors alone are valid. Raises CursorExpired for a cursor written before a restore."""
        asked = self.asked(variables)
        if asked.page.origin is not None:
            asked.page.check(workspace_id, self.sql.compiler.database.epoch)
        return asked

    def _narrow(self, arguments: Values) -> tuple[CacheKey, Object]:
        filters = self.sql.filters
        conditions = ParsedFilter(NO_CONDITIONS, {}) if filters is None else filters.read(arguments.get("filter"))
        also, values = [], conditions.values
        text = arguments.get("search")
        search = _searched(text) if text else ""
        if search:
            also.append("search")
            values["search"] = search
        for name, column in self.sql.columns.items():
            if arguments.get(name) is not None:
                also.append(column)
                values[column] = arguments[name]
        return ((conditions.shape, tuple(also)),), values

    async def _at_one_revision(self, reader: DataReader, asked: PageQuery, values: Object) -> tuple[Sequence[Row], Object]:
        """Page and count without a transaction: what two statements saw at the same revision is one state of the workspace.

        Raises RevisionChanged where it kept changing, or where no row told the revision.
        """
        if not self.wanted.counts:
            return await reader.fetch(self.sql.of("walk", asked), values), {}
        counting = self.statements.get(asked.keys.get("count")) or self.sql.of("count", asked)
        counted = reader.known(counting, values) or await reader.count(counting, values)
        for _ in range(SNAPSHOT_ATTEMPTS):
            rows, revision = await self._page_at(reader, asked, values, counted.row[0])
            if rows and revision != counted.revision:
                counted = await reader.count(counting, values)
            if revision == counted.revision:
                reader.seen = revision
                return rows, self._numbers(counted.row)
            if not rows:
                # An empty page is only known to be empty at the revision of the count.
                counted = await reader.count(counting, values)
        raise RevisionChanged

    async def _page_at(self, reader: DataReader, asked: PageQuery, values: Object, count: int) -> tuple[Sequence[Row], int]:
        """The rows of a page and the revision that they are of, of a list that had `count` rows. Raises RevisionChanged."""
        if count <= asked.page.offset:
            return [], await reader.look()
        purpose: Purpose = "walk" if count > SORT_BELOW else "page"
        statement = self.statements.get(asked.keys.get(purpose)) or self.sql.of(purpose, asked)
        rows = await reader.fetch(statement, values)
        if not rows:
            raise RevisionChanged
        return rows, rows[0][-1]

    async def _single(self, reader: DataReader, variables: Variables, asked: PageQuery, parents: ParentCounts | None = None) -> Value:
        values = {**reader.values, **asked.values}
        numbers: Object = {}
        purpose: Purpose = "walk"
        nothing = not self.wanted.rows
        if self.wanted.counts:
            row = await reader.counted(self.sql.of("count", asked), values)
            numbers = self._numbers(row)
            # Few rows are found by their values and sorted; many are walked in order until the page is full.
            purpose = "walk" if row[0] > SORT_BELOW else "page"
            nothing = nothing or row[0] <= asked.page.offset
        rows = [] if nothing else await reader.fetch(self.sql.of(purpose, asked), values)
        shown = _in_order(rows, asked.page)
        self._weigh(reader, asked.page, shown, parents)
        batches = await self.level.batched(reader, shown, variables, parents, self.parent)
        found = LoadedPage(rows, numbers)
        if not asked.page.begins:
            found.beside = await self._beside(reader, asked, values, found)
        return self._write(asked.page, found, self._cursor_of(reader, asked.page), batches)

    async def _beside(self, reader: DataReader, asked: PageQuery, values: Object, found: "LoadedPage") -> bool:
        """Whether rows stand beside a page on the side that it was not read towards, where it doesn't begin there.

        Raises RevisionChanged where that isn't of one state.
        """
        page = asked.page
        if page.position is None and (found.rows or found.numbers):
            return bool(found.rows) or found.numbers["totalCount"] > 0
        if page.side not in self.wanted.sides:
            return False
        if reader.single_statement:
            raise RevisionChanged
        return bool(await reader.fetch(self.sql.of("beside", asked), values))

    def _weigh(self, reader: DataReader, page: PageRequest, rows: Sequence[Row], parents: ParentCounts | None = None) -> None:
        """Counts the rows of a page, or of the pages of many parents, towards the answer. Raises ResponseTooLarge."""
        reader.weigh(self.level.weight, rows, parents, self.parent)
        if self.wanted.cursors and rows:
            order = page.order
            longest = order.longest(rows, page.places) if order.texts else order.fixed
            pages = 1 if parents is None else len(parents.keys)
            count = self.cursors.of_row * len(rows) + self.cursors.of_page * pages
            reader.add(longest * count * (1 if parents is None else parents.most))

    def _cursor_of(self, reader: DataReader, page: PageRequest) -> Callable[[Row], str] | None:
        """Return the function that writes the cursor of a row; None if no cursor is selected."""
        if not self.wanted.cursors:
            return None
        workspace_id, epoch, kept = reader.caller.workspace_id, reader.database.epoch, page.cursors
        if kept is None or kept[0] != workspace_id or kept[1] != epoch:
            kept = page.cursors = workspace_id, epoch, page.cursors_in(workspace_id, epoch)
        return kept[2]

    def _write(self, page: PageRequest, found: "LoadedPage", cursor: Callable[[Row], str] | None, batches: list[Value]) -> Value:
        more, rows = len(found.rows) > page.size, _in_order(found.rows, page)
        sides = {"hasNextPage": more and not page.backward, "hasPreviousPage": more and page.backward}
        if found.beside:
            sides[page.side] = True
        first, last = (cursor(rows[0]), cursor(rows[-1])) if rows and cursor is not None else (None, None)
        numbers = {**found.numbers, "pageInfo": {**sides, "startCursor": first, "endCursor": last}}
        return self.writer.call(rows, numbers, cursor, *batches)

    def _numbers(self, row: Row) -> Object:
        summary = self.level.stored.summary
        return {"totalCount": row[0], "summary": summary.to_object(row) if summary is not None and self.wanted.summary else None}

    async def _grouped(self, reader: DataReader, variables: Variables, asked: PageQuery, parents: ParentCounts) -> Mapping[Value, Value]:
        values = {**reader.values, **asked.values, "parents": parents.keys}
        groups: dict[Value, list[Row]] = {key: [] for key in parents.keys}
        if self.wanted.rows:
            parent = self.parent
            for row in await reader.fetch_many(self.sql.of("grouped", asked), values, self.level.weight):
                groups[row[parent]].append(row)
        counted: dict[Value, Row] = {}
        if self.wanted.counts:
            counted = {row[-1]: row[:-1] for row in await reader.fetch(self.sql.of("grouped count", asked), values)}
        shown = [row for rows in groups.values() for row in _in_order(rows, asked.page)]
        self._weigh(reader, asked.page, shown, parents)
        batches = await self.level.batched(reader, shown, variables, parents, self.parent)
        summary = self.level.stored.summary
        empty = summary.empty if summary is not None and self.wanted.summary else (0,)
        beside = await self._all_beside(reader, asked, values)
        cursor = self._cursor_of(reader, asked.page)
        return {
            key: self._write(asked.page, LoadedPage(rows, self._numbers(counted.get(key, empty)), key in beside), cursor, batches)
            for key, rows in groups.items()
        }

    async def _all_beside(self, reader: DataReader, asked: PageQuery, values: Object) -> Collection[Value]:
        """The keys of the parents of whom rows stand beside the page."""
        page = asked.page
        if page.begins or page.side not in self.wanted.sides:
            return ()
        return {row[0] for row in await reader.fetch(self.sql.of("grouped beside", asked), values)}


def _searched(text: str) -> str:
    """A text to search for as names are folded; empty where nothing of it can be seen. Raises BadRequest."""
    control = _CONTROL.search(text)
    if control is not None:
        raise BadRequest(f"`search` has a control character (U+{ord(control[0]):04X}): leave it out.")
    text = trimmed(text)
    if len(text) > MAX_SEARCH:
        raise BadRequest(f"`search` has {len(text)} characters; it may have {MAX_SEARCH}.")
    return fold_name(text)


def _page_values(page: PageRequest) -> Object:
    position = {f"c{place}": value for place, value in enumerate(page.position or ())}
    return {"limit": page.size + 1, "offset": page.offset, **position}


def _in_order(rows: Sequence[Row], page: PageRequest) -> Sequence[Row]:
    rows = rows[: page.size]
    return rows[::-1] if page.backward else rows


def compile_connection(
    compiler: Compiler, source: ConnectionSource, model: FieldModel, selected: Selected, parent: int
) -> tuple[ConnectionPlan, Cost]:
    """The plan of a connection field; `parent` is the place of its parents' key in their rows, 0 at the root."""
    level = compiler.level(compiler.model.stored(source.type_name))
    relation = relate(level, level.stored, source.by) if source.by is not None else None
    if relation is not None:
        level.place(relation.parent)
    type_: Any = get_named_type(model.definition.type)
    parts = ConnectionCode(compiler, level)
    code, cost = parts.connection(type_, compiler.selections.below(selected, type_))
    writer = make_writer(f"rows, p, cursor{level.parameters}", code, compiler.names)
    arguments = read_arguments(model.definition, selected.node)
    cost.add(paged(lambda variables: page_size(arguments(variables)), parts.item))
    sql = ConnectionSql(compiler, level, parts.wanted(), compiler.model.filters.get(source.type_name), relation, source.columns)
    plan = ConnectionPlan(level, arguments, writer, sql, parent, compiler.for_fallback, parts.around.fixed, parts.cursors)
    compiler.checks.append(plan.asked_in)
    compiler.shaped.append(plan)
    return plan, cost
