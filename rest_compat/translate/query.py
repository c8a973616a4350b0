"""A query string read: parameters to GraphQL variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from rest_compat.errors import ErrorItem, MalformedRequest, malformed
from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import Policy
from rest_compat.resources.declaration import Deprecation

from .paging import AFTER, BEFORE, RestPage, read_page
from .parameter_names import SimilarNames, element
from .parameter_types import Disallowed, ParameterType

FIELDS, ORDERING = "fields", "ordering"
MOST_PARAMETERS = 1_000
"""Each element of an array counts, as far as one is written for each. How long a list may be is for its parameter to say."""


@dataclass(frozen=True, slots=True)
class ParameterReader:
    """A parameter and its place in the variables; without a place, what it says isn't for GraphQL (`page`, `fields`)."""

    name: str
    type: ParameterType
    place: tuple[str, ...] = ()
    any_of: bool = False
    coordinates: tuple[str, ...] = ()
    """Its coordinates in the schema: `OpportunityFilter.value`, `MoneyFilter.gte`."""
    deprecated: Deprecation | None = None

    def put(self, variables: JsonObject, value: Json) -> None:
        """Write a value at its place."""
        *above, last = self.place
        for step in above:
            variables = variables.setdefault(step, {})
        variables[last] = ({"eq": value[0]} if len(value) == 1 else {"in": value}) if self.any_of else value


@dataclass(frozen=True, slots=True)
class QueryValues:
    """A query string, understood. Shared between calls: `variables` must not be changed."""

    variables: JsonObject
    used: tuple[str, ...]
    ignored: tuple[str, ...]
    """Names of parameters that are unknown, or empty."""
    fields: frozenset[str] | None
    page: RestPage | None


@dataclass(slots=True)
class _Given:
    """The texts given for one parameter, in order, and the names that they were given under."""

    reader: ParameterReader
    texts: list[tuple[int, str]]
    names: list[str]

    def text(self) -> str:
        """Its one text; elements of an array are joined as a list is written, in the order of their indices where they have some."""
        if len(self.texts) == 1:
            return self.texts[0][1]
        return ",".join(text for _, text in sorted(self.texts, key=lambda one: one[0]) if text)


class QueryReader:
    """Reads the query strings of one route; `policy` says what becomes of parameters that it does not have."""

    def __init__(self, readers: Sequence[ParameterReader], *, paged: bool, policy: Policy = "near-miss") -> None:
        self.readers = {reader.name: reader for reader in readers}
        self._near = SimilarNames(self.readers)
        self._paged = paged
        self._policy = policy

    def read(self, raw: bytes, *, strict: bool) -> QueryValues:
        """Read it all. Raises HttpError (400) that names everything at fault; all unknown parameters are at fault if `strict`."""
        pairs = _pairs(raw)
        given, unknown = self._sorted(pairs)
        values, faults = _values(given)
        faults += self._refusals(unknown, strict=strict or self._policy == "refuse")
        page = read_page(values, pairs, faults) if self._paged else None
        if faults:
            raise malformed(faults)
        variables = page.variables if page else {}
        for name, value in values.items():
            if self.readers[name].place:
                self.readers[name].put(variables, value)
        fields = frozenset(values[FIELDS]) if FIELDS in values else None
        ignored = (*unknown, *_without_value(given, values), *_overruled(values, page))
        return QueryValues(variables, tuple(values), ignored, fields, page)

    def _sorted(self, pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, _Given], dict[str, None]]:
        """Return the texts given for each parameter, and the unknown names."""
        given: dict[str, _Given] = {}
        unknown: dict[str, None] = {}
        for name, text in pairs:
            reader, index = self.readers.get(name), None
            if reader is None:
                reader, index = self._of_element(name)
            if reader is None:
                unknown[name] = None
                continue
            one = given.setdefault(reader.name, _Given(reader, [], []))
            one.texts.append((len(one.texts) if index is None else index, text))
            one.names.append(name)
        return given, unknown

    def _of_element(self, name: str) -> tuple[ParameterReader | None, int | None]:
        """The list that a name like `stage[]` or `stage[0]` is an element of, and its index there."""
        base, index = element(name) or ("", None)
        reader = self.readers.get(base)
        return (reader, index) if reader is not None and reader.type.is_list else (None, None)

    def _refusals(self, unknown: Mapping[str, None], *, strict: bool) -> list[ErrorItem]:
        if self._policy == "ignore" and not strict:
            return []
        near = {name: self._near.of(name) for name in unknown}
        return [_unknown(name, near[name]) for name in unknown if strict or near[name]]


def _values(given: Mapping[str, _Given]) -> tuple[JsonObject, list[ErrorItem]]:
    values: JsonObject = {}
    faults: list[ErrorItem] = []
    for name, one in given.items():
        if len(one.texts) > 1 and not one.reader.type.is_list:
            faults.append(_fault(name, "is given more than once; allowed is once"))
            continue
        text = one.text()
        try:
            value = one.reader.type.read(_clean(text)) if text else None
        except ValueError as error:
            faults.append(_refusal(one.reader, text, error))
        else:
            if value not in (None, ""):
                values[name] = value
    return values, faults


def _without_value(given: Mapping[str, _Given], values: Mapping[str, Json]) -> Sequence[str]:
    """The parameters that came empty, under the names that they came by: they count as absent."""
    return [name for known, one in given.items() if known not in values for name in dict.fromkeys(one.names)]


def _overruled(values: Mapping[str, Json], page: RestPage | None) -> Sequence[str]:
    """A position that was made for another page than the one that is asked for."""
    return [name for name in (AFTER, BEFORE) if page is not None and page.position is None and name in values]


def _unknown(name: str, near: str | None) -> ErrorItem:
    said = shown(name)[1:-1]
    meant = f": did you mean {near}?" if near else "."
    return ErrorItem(said, "bad_request", f"{said} is not a parameter of this route{meant}")


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Names and texts. What is not UTF-8 is kept as lone surrogates, so that the parameter at fault can be named and links give it back."""
    text = raw.decode("utf-8", "surrogateescape")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise MalformedRequest(f"Too many parameters; at most {MOST_PARAMETERS} are allowed.") from None


def _clean(text: str) -> str:
    if "\0" in text:
        raise Disallowed("text without NUL")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Disallowed("text in UTF-8") from None
    return text


def _refusal(reader: ParameterReader, text: str, error: ValueError) -> ErrorItem:
    allowed = str(error) if isinstance(error, Disallowed) else reader.type.allowed
    return _fault(reader.name, f"is {shown(text)}; allowed is {allowed}")


def _fault(name: str, what: str) -> ErrorItem:
    return ErrorItem(shown(name)[1:-1], "bad_request", f"{shown(name)[1:-1]} {what}.")


def shown(text: str) -> str:
    """A text in quotes as a message may hold it: not too long, and without control characters or lone surrogates."""
    cut = text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in cut) + "'"
