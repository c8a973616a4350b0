"""Recorded calls, sorted: those that run one document with variables of the same names are one sort, however their values differ."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import orjson
from graphql import NameNode, OperationDefinitionNode, parse, print_ast

from rest_compat.errors import HttpError
from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import Request
from rest_compat.translate.call import PREFIX, TranslatedCall, Translator
from rest_compat.translate.paging import PAGING, POSITIONS
from rest_compat.translate.query import FIELDS

from .parsing import READS, RecordedCall, target_of

#: Of a sort: values of a variable that are shown, characters of each, and calls that are kept to be asked again.
MOST_VALUES: Final = 10
LONGEST_VALUE: Final = 60
MOST_CALLS: Final = 50
LONGEST_NAME: Final = 80

#: Variables whose value of then says nothing now: `version` as it was read, and a key of each call's own.
TO_FILL: Final = {
    "expectedVersion": "the `version` of the record as it was read (in REST: If-Match)",
    "idempotencyKey": "a new key for each write, the same for its retries (in REST: Idempotency-Key)",
}
#: A part of a path that is a record's own: digits, or a long one with a digit in it.
_OWN: Final = re.compile(r"[0-9]+|(?=[^/]*[0-9])[^/]{12,}")
_NOT_NAMED: Final = {*PAGING, *POSITIONS, FIELDS}


@dataclass(frozen=True, slots=True)
class RepeatedRead:
    """A call to be asked again: with the same variables, and what was answered when it was recorded."""

    request: Request
    call: TranslatedCall
    status: int
    answer: bytes


@dataclass(slots=True)
class CallGroup:
    """A sort of call. `name` is its operation's and its file's; `document` has that name, and no comments."""

    name: str
    document: str
    call: TranslatedCall
    request: Request
    times: int = 0
    values: dict[str, Counter[str]] = field(default_factory=dict)
    """The values of each variable as JSON, and how often each was seen."""
    ignored: Counter[str] = field(default_factory=Counter)
    asked: dict[bytes, RepeatedRead] = field(default_factory=dict)
    """Different calls, by their variables."""
    unasked: int = 0
    """Calls beyond those, which are not asked again."""

    @property
    def varying(self) -> list[str]:
        """Variables that came with different values, or not every time."""
        return [name for name, seen in self.values.items() if len(seen) > 1 or sum(seen.values()) < self.times]

    @property
    def to_fill(self) -> list[str]:
        """Variables that each call must fill in again."""
        return [name for name in self.call.variables if name in TO_FILL]

    @property
    def example(self) -> JsonObject:
        """The variables of the first call, without those to fill."""
        return {name: value for name, value in self.call.variables.items() if name not in TO_FILL}


@dataclass(slots=True)
class RefusedCalls:
    """A sort of call that the gateway would refuse, and why."""

    method: str
    target: str
    reason: str
    times: int = 0


@dataclass(slots=True)
class Recording:
    """The calls of a recording, grouped, refused, or left out."""

    host: str
    prefix: str
    sorts: list[CallGroup] = field(default_factory=list)
    refused: list[RefusedCalls] = field(default_factory=list)
    elsewhere: Counter[str] = field(default_factory=Counter)
    """Calls to other paths of the host, by path."""
    hosts: Counter[str] = field(default_factory=Counter)
    """Calls to other hosts, by host."""

    @property
    def covered(self) -> int:
        """The number of calls in all groups."""
        return sum(sort.times for sort in self.sorts)

    @property
    def calls(self) -> int:
        """The number of calls to this API."""
        return self.covered + sum(one.times for one in self.refused)

    @property
    def share(self) -> float:
        """The share of the calls to this API that is covered, in percent."""
        return round(100 * self.covered / self.calls, 1) if self.calls else 0.0


def sort_calls(translator: Translator, calls: Sequence[RecordedCall], host: str | None = None, prefix: str | None = None) -> Recording:
    """Sort them, in the order of their first coming. Unless said, the host and the prefix of the paths are the most frequent ones."""
    names = [resource.name for resource in translator.resources]
    host = _host(calls, names) if host is None else host.lower()
    prefix = _prefix(calls, host, names) if prefix is None else "/" + prefix.strip("/") if prefix.strip("/") else ""
    found = _Sorter(translator, Recording(host, prefix))
    for one in calls:
        # OPTIONS is what browsers ask before a call of another origin.
        if one.request.method != "OPTIONS":
            found.take(one)
    return found.recording


def _before(path: str, names: Iterable[str]) -> str | None:
    """Return the part of a path before `/api/<resource>`; None if it has no such part."""
    found = re.search(rf"{PREFIX}(?:{'|'.join(map(re.escape, names))})(?:/|$)", path)
    return path[: found.start()] if found else None


def _host(calls: Sequence[RecordedCall], names: Sequence[str]) -> str:
    """The host with the most calls to the resources' paths, or else with the most calls."""
    counts = Counter(one.host for one in calls if _before(one.request.path, names) is not None) or Counter(one.host for one in calls)
    return counts.most_common(1)[0][0] if counts else ""


def _prefix(calls: Sequence[RecordedCall], host: str, names: Sequence[str]) -> str:
    found = (_before(one.request.path, names) for one in calls if one.host == host)
    counts = Counter(prefix for prefix in found if prefix is not None)
    return counts.most_common(1)[0][0] if counts else ""


class _Sorter:
    def __init__(self, translator: Translator, recording: Recording) -> None:
        self.translator = translator
        self.recording = recording
        self._sorts: dict[tuple[Json, ...], CallGroup] = {}
        self._refused: dict[tuple[str, ...], RefusedCalls] = {}
        self._names: set[str] = set()

    def take(self, one: RecordedCall) -> None:
        path, prefix = one.request.path, self.recording.prefix
        if one.host != self.recording.host:
            self.recording.hosts[one.host] += 1
        elif not path.startswith(prefix) or self.translator.find(path[len(prefix) :]) is None:
            self.recording.elsewhere[_pattern(path)] += 1
        else:
            request = one.request
            self._translate(one, Request(request.method, path[len(prefix) :], request.query, request.headers, request.body))

    def _translate(self, one: RecordedCall, request: Request) -> None:
        try:
            call = self.translator.translate(request)
        except HttpError as refused:
            self._refuse(request, refused)
        else:
            self._count(call, request, one)

    def _refuse(self, request: Request, refused: HttpError) -> None:
        key = request.method, _pattern(request.path), refused.code, *(item.field for item in refused.errors)
        if key not in self._refused:
            self._refused[key] = RefusedCalls(request.method, target_of(request), _reason(request, refused))
            self.recording.refused.append(self._refused[key])
        self._refused[key].times += 1

    def _count(self, call: TranslatedCall, request: Request, one: RecordedCall) -> None:
        # As it came: translating a QUERY puts what its body says into its query string.
        request = replace(request, query=one.request.query)
        key = call.operation.document, frozenset(_named(call)), frozenset(call.variables)
        sort = self._sorts.get(key)
        if sort is None:
            name = self._free(_name(call))
            self._sorts[key] = sort = CallGroup(name, _renamed(call, name), call, request)
            self.recording.sorts.append(sort)
        sort.times += 1
        sort.ignored.update(call.ignored)
        for variable, value in _leaves(call.variables):
            _note(sort.values.setdefault(variable, Counter()), value)
        known = orjson.dumps(call.variables, option=orjson.OPT_SORT_KEYS)
        if known in sort.asked:
            return
        if len(sort.asked) < MOST_CALLS:
            sort.asked[known] = RepeatedRead(request, call, one.status, one.answer)
        else:
            sort.unasked += 1

    def _free(self, name: str) -> str:
        """The name, with a number where it is taken."""
        number, free = 1, name
        while free in self._names:
            number += 1
            free = f"{name}{number}"
        self._names.add(free)
        return free


def _note(seen: Counter[str], value: Json) -> None:
    """Count a value; of many different ones, the later are `…`."""
    text = orjson.dumps(value).decode()
    text = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    seen[text if text in seen or len(seen) < MOST_VALUES else "…"] += 1


def _named(call: TranslatedCall) -> list[str]:
    """The parameters that say which records are asked for, by their REST names, in the order of their declaration."""
    return [name for name in call.endpoint.query.readers if name in call.query.used and name not in _NOT_NAMED]


def _name(call: TranslatedCall) -> str:
    """`ListOpportunitiesByStageAndValueMin`, `UpdateOpportunityWithExpectedVersion`."""
    by = "And".join(name[0].upper() + name[1:] for name in _named(call))
    given = "And".join(name[0].upper() + name[1:] for name in call.variables if name in TO_FILL)
    return (call.endpoint.document.name + (f"By{by}" if by else "") + (f"With{given}" if given else ""))[:LONGEST_NAME]


def _renamed(call: TranslatedCall, name: str) -> str:
    """The document with its operation under another name."""
    (operation,) = parse(call.operation.document, no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return print_ast(replace(operation, name=NameNode(value=name))) + "\n"


def _leaves(variables: JsonObject, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """The values below objects, each by its path: `filter.stage`, where it doesn't matter whether one or several are asked for."""
    for name, value in variables.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, prefix if name in {"eq", "in"} else f"{prefix}{name}.")
        elif name in {"eq", "in"} and prefix:
            yield prefix[:-1], value
        else:
            yield prefix + name, value


def _pattern(path: str) -> str:
    """A path with `{id}` where a record's own part is."""
    return "/".join("{id}" if _OWN.fullmatch(part) else part for part in path.split("/"))


def _reason(request: Request, refused: HttpError) -> str:
    if request.method not in READS and not request.body and refused.code != "METHOD_NOT_ALLOWED":
        return "The recording has no body for it: access logs have none, HAR files do."
    items = "; ".join(f"{item.field}: {item.message}" for item in refused.errors)
    return f"{refused.detail} {items}".strip()
