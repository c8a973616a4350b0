"""The code of a connection: the expression that writes a page, and which numbers it needs."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from schema.engine.document.selections import Selected

from .compiler import Compiler
from .connection_sql import PageParts
from .cost import COUNT, SUMS, Cost
from .plain_objects import Plain, write_plain
from .response_size import ABSENT, SCALARS, ResponseSize
from .select import Level


@dataclass(slots=True)
class Cursors:
    """The numbers of cursors that are selected: of each row, and of each page."""

    of_row: int = 0
    of_page: int = 0


@dataclass(slots=True)
class ConnectionCode:
    """Writes a connection's code, and notes what it needs: `item` is the cost of a row, `around` the bytes of a page without its rows."""

    compiler: Compiler
    level: Level
    item: Cost = field(default_factory=Cost)
    around: ResponseSize = field(default_factory=lambda: ResponseSize("p"))
    cursors: Cursors = field(default_factory=Cursors)
    names: set[str] = field(default_factory=set)
    info: set[str] = field(default_factory=set)

    def wanted(self) -> PageParts:
        """The selected parts of a page beside its rows."""
        names = self.names
        rows = not names.isdisjoint({"node", "nodes", "edges", "pageInfo", "cursor"})
        cursors = bool(self.cursors.of_row or self.cursors.of_page)
        sides = frozenset(self.info & {"hasPreviousPage", "hasNextPage"})
        return PageParts(rows, cursors, "totalCount" in names, "summary" in names, sides)

    def connection(self, type_: GraphQLObjectType, asked: list[Selected]) -> tuple[str, Cost]:
        """The code of a page, and its cost without its rows."""
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
            return self._of_page(inner, selected)
        self.around.fixed += SCALARS["Int"]
        return f"p[{selected.name!r}]", Cost(COUNT)

    def _of_page(self, type_: GraphQLObjectType, selected: Selected) -> tuple[str, Cost]:
        """A field about the page, or about all rows that match."""
        below = self.compiler.selections.below(selected, type_)
        self.info.update(field.name for field in below)
        cursors = sum([field.name in {"startCursor", "endCursor"} for field in below])
        self.cursors.of_page += cursors
        self.around.fixed += cursors * ABSENT
        plain = Plain(f"p[{selected.name!r}]", "[{}]")
        code, cost = write_plain(self.compiler, plain, type_, below)
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
