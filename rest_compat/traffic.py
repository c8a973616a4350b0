"""A client's recorded traffic as GraphQL: HAR files and access logs read, translated, deduplicated, written as documents."""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from .binding import COUNT, NODES
from .errors import Refused
from .protocol import Answer
from .translate import Call, Request, Translator, request_of

_COMBINED = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+" (?P<status>[0-9]{3}) ')
READS = {"GET", "HEAD"}


class TrafficError(ValueError):
    """The file is neither HAR nor an access log with anything of ours in it."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A kind of call seen in the traffic: `times` it came, in the same words."""

    request: Request
    call: Call
    times: int


@dataclass(frozen=True, slots=True)
class Untranslated:
    """A call that the gateway would refuse, and why."""

    method: str
    target: str
    reason: str


def read_traffic(path: Path) -> list[Request]:
    """The calls in a HAR file (by its content) or a log in the combined format, which has no bodies. Raises TrafficError."""
    data = path.read_bytes()
    found = _har(data) if data.lstrip()[:1] == b"{" else list(_log(data.decode("utf-8", "replace")))
    if not found:
        raise TrafficError(f"{path.name} has no calls in it")
    return found


def _har(data: bytes) -> list[Request]:
    try:
        entries = orjson.loads(data)["log"]["entries"]
        return [_har_request(entry["request"]) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise TrafficError(f"this is no HAR file: {error}") from error


def _har_request(request: dict[str, Any]) -> Request:
    headers = {header["name"].lower().encode("latin-1"): header["value"] for header in request.get("headers", [])}
    posted = request.get("postData") or {}
    text: str = posted.get("text", "")
    body = b64decode(text) if posted.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")
    if body and posted.get("mimeType"):
        headers.setdefault(b"content-type", posted["mimeType"])
    return request_of(request["method"], request["url"], headers, body)


def _log(text: str) -> Iterator[Request]:
    for line in text.splitlines():
        found = _COMBINED.search(line)
        if found:
            yield request_of(found["method"], found["target"])


def translate_all(translator: Translator, requests: Iterable[Request]) -> tuple[list[Translated], list[Untranslated]]:
    """Each kind of call once, in the order of its first coming; calls to other paths are left out, refused ones are told."""
    kinds: dict[tuple[str, bytes], tuple[Request, Call, int]] = {}
    refused: dict[tuple[str, str, str], Untranslated] = {}
    for request in requests:
        # OPTIONS is what browsers ask before a call of another origin.
        if translator.find(request.path) is None or request.method == "OPTIONS":
            continue
        try:
            call = translator.translate(request)
        except Refused as reason:
            one = Untranslated(request.method, target_of(request), _reason(request, reason))
            refused.setdefault((one.method, one.target, one.reason), one)
            continue
        key = call.operation.document, orjson.dumps(call.variables, option=orjson.OPT_SORT_KEYS)
        first, kept, times = kinds.get(key, (request, call, 0))
        kinds[key] = first, kept, times + 1
    return [Translated(*kind) for kind in kinds.values()], list(refused.values())


def _reason(request: Request, refused: Refused) -> str:
    if request.method not in READS and not request.body:
        return "the recording has no body for it"
    items = "; ".join(f"{item.field}: {item.message}" for item in refused.errors)
    return f"{refused.detail} {items}".strip()


def target_of(request: Request) -> str:
    """Path and query as a client writes them."""
    query = request.query.decode("utf-8", "surrogateescape")
    return f"{request.path}?{query}" if query else request.path


def write_folder(folder: Path, kinds: Sequence[Translated]) -> list[Path]:
    """One file a document, and beside it the variables of each kind of call: `ListOpportunities.graphql`, `ListOpportunities.1.json`.

    Documents that `fields` has made shorter are numbered: `ListOpportunities-2.graphql`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stems: dict[str, str] = {}
    names: dict[str, int] = {}
    counts: dict[str, int] = {}
    written = []
    for kind in kinds:
        document, name = kind.call.operation.document, kind.call.bound.document.name
        if document not in stems:
            names[name] = names.get(name, 0) + 1
            stems[document] = name if names[name] == 1 else f"{name}-{names[name]}"
            written.append(_write(folder / f"{stems[document]}.graphql", document.encode()))
        stem = stems[document]
        counts[stem] = counts.get(stem, 0) + 1
        variables = orjson.dumps(kind.call.variables, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        written.append(_write(folder / f"{stem}.{counts[stem]}.json", variables))
    return written


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def differences(call: Call, status: int, body: bytes, answer: Answer) -> list[str]:
    """Where the REST answer to a read and the GraphQL answer to its translation differ; empty if they say the same."""
    record = (answer.data or {}).get(call.bound.root)
    if answer.errors or record is None:
        expected: Any = None
    elif call.bound.action == "list":
        expected = {"count": record[COUNT], "results": [call.operation.write(row) for row in record[NODES]]}
    else:
        expected = call.operation.write(record)
    if status >= 400:  # noqa: PLR2004  any error
        past = call.query.page is not None and expected is not None and call.query.page.is_past(expected["count"])
        return [] if expected is None or past else [f"REST refuses with {status} what GraphQL answers"]
    given = orjson.loads(body)
    if call.bound.action == "list":
        given = {name: given[name] for name in ("count", "results")}
    return list(_differing(given, orjson.loads(orjson.dumps(expected)), ""))


def _differing(rest: Any, graphql: Any, where: str) -> Iterator[str]:
    if isinstance(rest, dict) and isinstance(graphql, dict):
        for name in rest.keys() | graphql.keys():
            yield from _differing(rest.get(name), graphql.get(name), f"{where}.{name}".lstrip("."))
    elif isinstance(rest, list) and isinstance(graphql, list) and len(rest) == len(graphql):
        for index, (one, other) in enumerate(zip(rest, graphql, strict=True)):
            yield from _differing(one, other, f"{where}[{index}]")
    elif rest != graphql:
        yield f"{where}: REST has {rest!r}, GraphQL {graphql!r}"
