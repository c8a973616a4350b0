"""A query string read: parameters to GraphQL variables, paging, and the links to the next and the previous page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from .declaration import Deprecation
from .errors import Item, Refused, malformed
from .headers import GRAPHQL_INT
from .kinds import Disallowed, Kind, Whole

PAGE, LIMIT, OFFSET, FIELDS, ORDERING = "page", "limit", "offset", "fields", "ordering"
DEFAULT_LIMIT = 20
MOST_LIMIT = 100
MOST_PARAMETERS = 100
PAGING: Mapping[str, Kind] = {PAGE: Whole(1, GRAPHQL_INT + 1), LIMIT: Whole(1), OFFSET: Whole(0, GRAPHQL_INT)}


@dataclass(frozen=True, slots=True)
class Reader:
    """A parameter bound to its place in the variables; without a place, what it says isn't for GraphQL (`page`, `fields`)."""

    name: str
    kind: Kind
    place: tuple[str, ...] = ()
    any_of: bool = False
    coordinates: tuple[str, ...] = ()
    """Of its place in the schema: `OpportunityFilter.value`, `MoneyFilter.gte`."""
    deprecated: Deprecation | None = None

    def put(self, variables: dict[str, Any], value: Any) -> None:
        """Write a value at its place."""
        *above, last = self.place
        for step in above:
            variables = variables.setdefault(step, {})
        variables[last] = ({"eq": value[0]} if len(value) == 1 else {"in": value}) if self.any_of else value


@dataclass(frozen=True, slots=True)
class Page:
    """Where in the list: `number` is None for a call by `offset`; `others` are the other parameters, encoded, as links keep them."""

    limit: int
    offset: int
    number: int | None
    others: str

    def links(self, url: str, count: int) -> tuple[str | None, str | None]:
        """The addresses of the next and of the previous page, each None where it would have no rows.

        Past the end, the previous page is the last that has rows.
        """
        start = f"{url}?{self.others}&" if self.others else f"{url}?"
        after, before = self.offset + self.limit, max(0, self.offset - self.limit)
        if before >= count:
            before = max(0, count - 1) // self.limit * self.limit
        if self.number is None:
            following, preceding = f"offset={after}", f"offset={before}"
        else:
            following, preceding = f"page={self.number + 1}", f"page={self.number - 1}"
        return start + following if after < count else None, start + preceding if self.offset > 0 and count else None

    def is_past(self, count: int) -> bool:
        """Whether there is no such page: only the first one may be empty, and a call by `offset` is never refused."""
        return self.number is not None and self.number > 1 and self.offset >= count


@dataclass(frozen=True, slots=True)
class Query:
    """A query string, understood. Shared between calls: `variables` must not be changed."""

    variables: dict[str, Any]
    used: tuple[str, ...]
    ignored: tuple[str, ...]
    """Names of parameters that are unknown, or empty."""
    fields: frozenset[str] | None
    page: Page | None


class QueryReader:
    """Reads the query strings of one route."""

    def __init__(self, readers: Sequence[Reader], *, paged: bool) -> None:
        self.readers = {reader.name: reader for reader in readers}
        self._paged = paged

    def read(self, raw: bytes, *, strict: bool) -> Query:
        """Read it all. Raises Refused (400) that names everything at fault; unknown parameters are at fault only if `strict`."""
        pairs = _pairs(raw)
        values, faults = self._values(pairs)
        empty = tuple(name for name, _ in pairs if name in self.readers and name not in values)
        unknown = tuple(dict.fromkeys(name for name, _ in pairs if name not in self.readers))
        if strict:
            faults += [_fault(name, "is not a parameter of this route") for name in unknown]
        page = _page(values, pairs, faults) if self._paged else None
        if faults:
            raise malformed(faults)
        variables = {"first": page.limit, "offset": page.offset} if page else {}
        for name, value in values.items():
            if self.readers[name].place:
                self.readers[name].put(variables, value)
        fields = frozenset(values[FIELDS]) if FIELDS in values else None
        return Query(variables, tuple(values), unknown + empty, fields, page)

    def _values(self, pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], list[Item]]:
        values: dict[str, Any] = {}
        faults: dict[str, Item] = {}
        seen: set[str] = set()
        for name, text in pairs:
            reader = self.readers.get(name)
            if reader is None:
                continue
            if name in seen:
                faults[name] = _fault(name, "is given more than once; allowed is once")
                continue
            seen.add(name)
            try:
                value = reader.kind.read(_clean(text)) if text else None
            except ValueError as error:
                faults[name] = _refusal(reader, text, error)
            else:
                if value not in (None, ""):
                    values[name] = value
        return values, list(faults.values())


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Names and texts. What is not UTF-8 is kept as lone surrogates, so that the parameter at fault can be named and links give it back."""
    text = raw.decode("utf-8", "surrogateescape")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Refused("BAD_REQUEST", f"Too many parameters; at most {MOST_PARAMETERS} are allowed.") from None


def _clean(text: str) -> str:
    if "\0" in text:
        raise Disallowed("text without NUL")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Disallowed("text in UTF-8") from None
    return text


def _refusal(reader: Reader, text: str, error: ValueError) -> Item:
    allowed = str(error) if isinstance(error, Disallowed) else reader.kind.allowed
    return _fault(reader.name, f"is {shown(text)}; allowed is {allowed}")


def _fault(name: str, what: str) -> Item:
    return Item(shown(name)[1:-1], "bad_request", f"{shown(name)[1:-1]} {what}.")


def shown(text: str) -> str:
    """A text in quotes as a message may hold it: not too long, and without control characters or lone surrogates."""
    cut = text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in cut) + "'"


def _page(values: Mapping[str, Any], pairs: Sequence[tuple[str, str]], faults: list[Item]) -> Page:
    limit = min(values.get(LIMIT, DEFAULT_LIMIT), MOST_LIMIT)
    by_offset = OFFSET in values
    if by_offset and PAGE in values:
        faults += [_fault(name, "is given; allowed is either page or offset") for name in (PAGE, OFFSET)]
    number = None if by_offset else values.get(PAGE, 1)
    offset = values[OFFSET] if number is None else (number - 1) * limit
    if offset > GRAPHQL_INT:
        faults.append(_fault(PAGE, f"leads beyond offset {GRAPHQL_INT}; allowed is up to that"))
    kept = [(name, text) for name, text in pairs if name not in {PAGE, OFFSET}]
    return Page(limit, offset, number, urlencode(kept, safe=",", errors="surrogateescape"))
