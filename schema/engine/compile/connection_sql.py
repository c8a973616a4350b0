"""The statements of a connection: a page, a count, and both for many parents at once; made once for each shape of its arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar, Literal

from sqlalchemy import ColumnElement, FromClause, bindparam, func, literal_column, select

from schema.engine.compile.data_reader import revision_column
from schema.sql_types import Bind, SelectOf
from schema.storage.statements import AnyOf, Contains, Statement, list_bind
from schema.values import CacheKey, Object, Value

from .compiler import Compiler, NotCompiled, ParentsKind
from .conditions import NO_CONDITIONS, FilterModel
from .pages import PageRequest
from .related import Relation
from .select import Level

Purpose = Literal["count", "walk", "page", "beside", "grouped", "grouped count", "grouped beside"]
"""The purpose of a connection's statement."""
_OF_MANY = frozenset({"grouped", "grouped count", "grouped beside"})
"""The purposes of statements that read pages of many parents."""
_OF_ALL = frozenset({"count", "grouped count"})
"""Purposes that read all rows, not a page."""


@dataclass(frozen=True, slots=True)
class PageParts:
    """The selected parts of a page beside its rows."""

    rows: bool
    cursors: bool
    count: bool
    summary: bool
    sides: frozenset[str]
    """`hasPreviousPage`, `hasNextPage`: on which sides of the page it is asked whether rows stand there."""
    counts: bool = field(init=False)
    """Whether rows are counted, or summed up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", self.count or self.summary)


_ASKED, _VALUE = 1_600, 100
"""Bytes that what a call's arguments say takes with its statements' keys, and more for each value."""


def _bytes(value: Value) -> int:
    if isinstance(value, list):
        return _VALUE + sum(map(_bytes, value))
    return _VALUE + (len(value) if isinstance(value, str) else 0)


@dataclass(slots=True)
class PageQuery:
    """The parsed arguments of a connection: the page, the shape of the conditions, and the binds of both."""

    page: PageRequest
    shape: CacheKey
    values: Object
    keys: dict[str, CacheKey] = field(default_factory=dict)
    """The keys of its cached statements, by purpose."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return _ASKED + _bytes([*self.values.values()])

    def of_parent(self, key: Value) -> "PageQuery":
        """The same of one parent's rows."""
        return PageQuery(self.page, ("parent", *self.shape), {**self.values, "parent": key})


@dataclass(slots=True, eq=False)
class ConnectionSql:
    """The statements of a connection whose rows are those of `level`; with `relation`, they hang on parents."""

    compiler: Compiler
    level: Level
    wanted: PageParts
    filters: FilterModel | None
    relation: Relation | None
    columns: Mapping[str, str]
    """Which columns arguments are compared with, by argument."""
    _mark: object = field(default_factory=object)
    """Identifies its statements in the cache, without keeping the connection alive."""

    @property
    def single_statement(self) -> bool:
        """Whether one statement reads a page; it then also reads the workspace's revision, if counts are selected."""
        return self.wanted.rows and self.relation is None and not self.level.batches

    def of(self, purpose: Purpose, asked: PageQuery) -> Statement:
        """The statement for a purpose. Raises NotCompiled where it isn't kept and may not be compiled now."""
        shape = () if purpose in _OF_ALL else asked.page.shape
        key = asked.keys[purpose] = (self._mark, purpose, *shape, *asked.shape)
        try:
            return self.compiler.kept(key, lambda: self._CLAUSES[purpose](self, asked))
        except NotCompiled:
            raise NotCompiled("none" if self.relation is None else "many" if purpose in _OF_MANY else "one") from None

    def compile(self, asked: PageQuery, parents: ParentsKind, *, looks: bool) -> None:
        """Compile the statements for so many `parents` that aren't cached; `looks`: whether rows beside the page are asked for."""
        rows, counts = self.wanted.rows, self.wanted.counts
        needed: dict[Purpose, bool] = {"count": counts, "walk": rows, "page": rows and counts, "beside": looks}
        if parents == "many":
            needed = {"grouped": rows, "grouped count": counts, "grouped beside": looks}
        with self.compiler.compiling():
            for purpose in [each for each, is_needed in needed.items() if is_needed]:
                self.of(purpose, asked.of_parent("") if parents == "one" else asked)

    def _walked(self, asked: PageQuery) -> SelectOf:
        """The rows of a page and one more, walked in their order."""
        return self._page(asked, walk=True)

    def _page(self, asked: PageQuery, *, walk: bool = False) -> SelectOf:
        """The same, found by their values and sorted."""
        page = asked.page
        extra = self._keys(page)
        if self.single_statement and self.wanted.counts:
            extra.append(revision_column())
        clause = self.level.clause(*self._where(asked, walk=walk), extra=extra, source=self._source())
        limit: Bind = bindparam("limit", required=True)
        clause = clause.order_by(*page.order.clauses(self.level.table, backward=page.backward, limited=self.level.limited)).limit(limit)
        return clause.offset(bindparam("offset", required=True)) if page.offset else clause

    def _grouped(self, asked: PageQuery) -> SelectOf:
        """The rows of the same page of each of many parents."""
        assert self.relation is not None
        page = asked.page
        order = page.order.clauses(self.level.table, backward=page.backward, limited=self.level.limited)
        place = func.row_number().over(partition_by=self.relation.parent, order_by=order)
        columns = [*self.level.columns, *self._keys(page)]
        named = [column.label(f"k{index}") for index, column in enumerate(columns)]
        inner = self.level.clause(*self._where(asked, many=True), source=self._source()).with_only_columns(*named, place.label("place"))
        numbered = inner.subquery("numbered")
        chosen = [numbered.c[f"k{index}"] for index in range(len(columns))]
        offset: Bind = bindparam("offset", required=True)
        limit: Bind = bindparam("limit", required=True)
        return select(*chosen).where(numbered.c.place > offset, numbered.c.place <= offset + limit).order_by(numbered.c.place)

    def _beside(self, asked: PageQuery) -> SelectOf:
        """Whether there are rows at the cursor of a page or on its other side; without a cursor, whether there are any."""
        return self._from(asked, [literal_column("1")]).where(*self._at_or_behind(asked.page)).limit(1)

    def _grouped_beside(self, asked: PageQuery) -> SelectOf:
        """The keys of those parents of whom the same is true."""
        assert self.relation is not None
        return self._from(asked, [self.relation.parent], many=True).where(*self._at_or_behind(asked.page)).distinct()

    def _at_or_behind(self, page: PageRequest) -> list[ColumnElement[bool]]:
        if page.position is None:
            return []
        nulls = tuple(value is None for value in page.position)
        return [page.order.beyond(self.level.table, nulls, backward=not page.before, limited=self.level.limited, at=True)]

    def _counted(self, asked: PageQuery) -> SelectOf:
        """Counts and sums of all rows; the last column is the workspace's revision."""
        return self._from(asked, self._counts()).add_columns(revision_column())

    def _grouped_count(self, asked: PageQuery) -> SelectOf:
        """Counts and sums by parent, whose key is the last column."""
        assert self.relation is not None
        parent = self.relation.parent
        return self._from(asked, self._counts(), many=True).add_columns(parent).group_by(parent)

    def _counts(self) -> list[Value]:
        summary = self.level.stored.summary
        return summary.columns(self.level.table) if self.wanted.summary and summary is not None else [func.count()]

    def _from(self, asked: PageQuery, columns: list[Value], *, many: bool = False) -> SelectOf:
        """Columns of all rows that match, without what is joined to show them."""
        source = self._source()
        return (
            select(*columns)
            .select_from(self.level.table if source is None else source)
            .where(*self.level.permitted(), *self._conditions(asked, many=many))
        )

    def _source(self) -> FromClause | None:
        return self.relation.source if self.relation is not None else None

    def _keys(self, page: PageRequest) -> list[Value]:
        """The columns that a cursor needs and that are not selected otherwise."""
        if not self.wanted.cursors:
            return []
        keys = page.order.keys(self.level.table, limited=self.level.limited)
        return [key for key in keys if self.level.found(key) is None]

    def places(self, page: PageRequest) -> tuple[int, ...]:
        """Return the indexes of the order's keys in a row of a page."""
        further = count(len(self.level.columns))
        columns = [term.by.column for term in page.order.terms]
        places = [None if name is None else self.level.found(self.level.table.c[name]) for name in columns]
        return tuple([next(further) if place is None else place for place in places])

    def _where(self, asked: PageQuery, *, many: bool = False, walk: bool = False) -> list[ColumnElement[bool]]:
        page = asked.page
        where = self._conditions(asked, many=many, walk=walk and page.order.default)
        if page.position is not None:
            nulls = tuple(value is None for value in page.position)
            where.append(page.order.beyond(self.level.table, nulls, backward=page.before, limited=self.level.limited))
        return where

    def _conditions(self, asked: PageQuery, *, many: bool, walk: bool = False) -> list[ColumnElement[bool]]:
        table = self.level.table
        where: list[ColumnElement[bool]] = []
        if self.relation is not None:
            parent = self.relation.parent
            alone = parent == bindparam("parent", type_=parent.type, required=True)
            where += [*self.relation.where, AnyOf(parent, list_bind("parents", parent.type)) if many else alone]
        shape, also = asked.shape[-1]
        if self.filters is not None and shape != NO_CONDITIONS:
            where.append(self.filters.sql(shape, table, limited=self.level.limited, walk=walk))
        for name in also:
            if name == "search":
                column = table.c[self.level.stored.search or ""]
                where.append(Contains(column, bindparam("search", type_=column.type, required=True)))
            else:
                where.append(table.c[name] == bindparam(name, type_=table.c[name].type, required=True))
        return where

    _CLAUSES: ClassVar[Mapping[Purpose, Callable[["ConnectionSql", PageQuery], SelectOf]]] = {
        "count": _counted,
        "walk": _walked,
        "page": _page,
        "beside": _beside,
        "grouped": _grouped,
        "grouped count": _grouped_count,
        "grouped beside": _grouped_beside,
    }
