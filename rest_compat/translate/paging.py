"""Pages of a list: by number, by offset, or from a position that a link holds; and the links to the pages beside one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from rest_compat.errors import ErrorItem
from rest_compat.headers import GRAPHQL_INT
from rest_compat.json_values import Json, JsonObject

from .parameter_types import ParameterType, integer

Side: TypeAlias = Literal["after", "before"]

PAGE, LIMIT, OFFSET = "page", "limit", "offset"
AFTER: Side = "after"
BEFORE: Side = "before"
DEFAULT_LIMIT = 20
MOST_LIMIT = 100

LONGEST_CURSOR = 32_768
"""Characters of a cursor of the graph, at most: lists may be ordered by several long names."""

_POSITION = re.compile(rf"([po])([0-9]{{1,10}})\.([A-Za-z0-9_=-]{{1,{LONGEST_CURSOR}}})")
_UNITS = {"p": PAGE, "o": OFFSET}


@dataclass(frozen=True, slots=True)
class PagePosition:
    """A place between two rows, as a cursor of the graph; `unit` (`page` or `offset`) and `number` say which page it was made for.

    Its text is `p3.` or `o40.` and the cursor.
    """

    unit: str
    number: int
    cursor: str


PAGING: Mapping[str, ParameterType] = {
    PAGE: integer(1, GRAPHQL_INT + 1),
    LIMIT: integer(1),
    OFFSET: integer(0, GRAPHQL_INT),
}


def _read_position(text: str) -> PagePosition:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise ValueError
    unit = _UNITS[found[1]]
    return PagePosition(unit, PAGING[unit].read(found[2]), found[3])


_POSITIONED = ParameterType("what a `next` or `previous` link of this list holds", {"type": "string"}, _read_position)
POSITIONS: Mapping[str, ParameterType] = {AFTER: _POSITIONED, BEFORE: _POSITIONED}


@dataclass(frozen=True, slots=True)
class RestPage:
    """Where in the list: `unit` and `number` as links count; with a `position`, the rows after or before it, whatever the number.

    `offset` is how many rows stand before the page, as the number says it; `others` are the other parameters, encoded, as links keep them.
    """

    limit: int
    unit: str
    number: int
    offset: int
    others: str
    way: Side = AFTER
    position: PagePosition | None = None

    @property
    def variables(self) -> JsonObject:
        """The arguments of the graph's connection."""
        if self.position is None:
            return {"first": self.limit, "offset": self.offset}
        return {"first" if self.way == AFTER else "last": self.limit, self.way: self.position.cursor}

    def is_past(self, count: int) -> bool:
        """Whether there is no such page: only the first one may be empty; by offset or by position, a page is never refused."""
        return self.unit == PAGE and self.position is None and self.number > 1 and self.offset >= count

    def links(self, url: str, count: int, rows: int, info: Mapping[str, Json]) -> tuple[str | None, str | None]:
        """The addresses of the next and of the previous page, each None where it would have no rows.

        `count` rows match, and the page has `rows` of them; `info` is the connection's `pageInfo`. A link keeps the number of the page and
        adds the position at which the page begins, so that rows which come or go meanwhile are neither repeated nor lost.
        """
        if self.position is None:
            following, preceding = self.offset + self.limit < count, self.offset > 0 and count > 0
        else:
            following, preceding = self._sides(count, rows, info)
        start = f"{url}?{self.others}&" if self.others else f"{url}?"
        return (
            start + self._following(info["endCursor"]) if following else None,
            start + self._preceding(info["startCursor"], count) if preceding else None,
        )

    def _sides(self, count: int, rows: int, info: Mapping[str, Json]) -> tuple[bool, bool]:
        """Whether there are rows after and before a page that begins at a position.

        Only in the direction of reading it is known. On the other side stands at least what that direction and the page don't account for.
        """
        more: bool = info["hasNextPage" if self.way == AFTER else "hasPreviousPage"]
        behind = more or count > rows
        return (more, behind) if self.way == AFTER else (behind, more)

    def _following(self, cursor: str | None) -> str:
        if cursor is None:
            # A page before a position that has no rows has no last one, either: what follows is the beginning of the list.
            return f"{self.unit}={int(self.unit == PAGE)}"
        number = self.number + (1 if self.unit == PAGE else self.limit)
        return f"{self.unit}={number}&after={self.unit[0]}{number}.{cursor}"

    def _preceding(self, cursor: str | None, count: int) -> str:
        before = max(1, self.number - 1) if self.unit == PAGE else max(0, self.number - self.limit)
        if cursor is not None:
            return f"{self.unit}={before}&before={self.unit[0]}{before}.{cursor}"
        # Past the end it is the last page that has rows.
        last = max(0, count - 1) // self.limit
        if self.position is not None or before >= count:
            before = last + 1 if self.unit == PAGE else last * self.limit
        return f"{self.unit}={before}"


def read_page(values: Mapping[str, Json], pairs: Sequence[tuple[str, str]], faults: list[ErrorItem]) -> RestPage:
    """The page that the parameters' `values` ask for; `pairs` are all parameters as they came. Adds to `faults` what contradicts itself.

    A position holds the page that it was made for. Where the call names another page, that page is meant and the position is left.
    """
    limit = min(values.get(LIMIT, DEFAULT_LIMIT), MOST_LIMIT)
    for one, other in ((PAGE, OFFSET), (AFTER, BEFORE)):
        if one in values and other in values:
            faults += [ErrorItem(name, "bad_request", f"{name} is given; allowed is either {one} or {other}.") for name in (one, other)]
    way = BEFORE if BEFORE in values else AFTER
    position: PagePosition | None = values.get(way)
    unit = OFFSET if OFFSET in values else PAGE
    if position is not None and unit not in values:
        unit = position.unit
    number = values.get(unit, position.number if position is not None else 1)
    if position is not None and (position.unit, position.number) != (unit, number):
        position = None
    offset = number if unit == OFFSET else (number - 1) * limit
    if position is None and offset > GRAPHQL_INT:
        faults.append(ErrorItem(PAGE, "bad_request", f"{PAGE} leads beyond offset {GRAPHQL_INT}; allowed is up to that."))
    return RestPage(limit, unit, number, offset, _others(pairs, limit), way, position)


def _others(pairs: Sequence[tuple[str, str]], limit: int) -> str:
    """All parameters but the place of the page, with the limit as it is served."""
    kept = [(name, str(limit) if name == LIMIT and text else text) for name, text in pairs if name not in {PAGE, OFFSET, AFTER, BEFORE}]
    return urlencode(kept, safe=",", errors="surrogateescape")
