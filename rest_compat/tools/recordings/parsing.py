"""Recordings read: HAR files, which browsers and proxies write, and access logs, with the request in quotes or a JSON object a line.

All of them may be packed by gzip.
"""

import gzip
import re
import zlib
from base64 import b64decode
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import orjson

from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import Request
from rest_compat.translate.call import request_of, split_target
from rest_compat.translate.query_method import METHOD as QUERY

READS: Final = frozenset({"GET", "HEAD"})
#: Methods whose calls can be asked again, since they change nothing. QUERY isn't among READS: it has a body, which logs don't keep.
REPEATABLE: Final = READS | {QUERY}
#: Bytes of a recording, unpacked: a longer one is cut into parts first.
LONGEST: Final = 2_000_000_000

_GZIP: Final = b"\x1f\x8b"
#: In the common format the status follows; HAProxy and balancers of clouds write it earlier, where it isn't looked for.
_LINE: Final = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+"(?: (?P<status>[0-9]{3})\b)?')
#: Bytes beyond ASCII, as nginx (`\xC3\xA9`) and Apache (`\xc3\xa9`) write them.
_ESCAPES: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")


#: Members of a log's JSON objects, in small letters without signs: as Caddy, Traefik, Envoy and clouds name them, and makers of formats
#: for nginx.
_METHODS: Final = ("method", "requestmethod")
_TARGETS: Final = ("uri", "requesturi", "url", "requesturl", "target", "path", "requestpath")
_HOSTS: Final = ("host", "httphost", "servername", "requesthost", "authority")
_QUERIES: Final = ("args", "querystring", "query")
_STATUSES: Final = ("status", "statuscode", "responsecode", "downstreamstatus")
#: Members whose own members are meant.
_INNER: Final = ("response", "httpRequest", "request")
_SIGNS: Final = re.compile("[^a-z]")


class RecordingError(ValueError):
    """The file is neither HAR nor an access log with any call in it."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it was recorded: `host` is empty in logs, and so is `answer`, the body of its answer."""

    host: str
    request: Request
    status: int
    answer: bytes = b""


def read_recording(path: Path) -> list[RecordedCall]:
    """The calls in a HAR file (known by its content) or an access log, which has no bodies. Raises RecordingError, OSError."""
    data = _unpacked(path)
    found = list(_log(data)) if data.lstrip()[:1] != b"{" else _objects(data) or _har(data, path.name)
    if not found:
        raise RecordingError(f"{path.name} has no calls in it")
    return found


def target_of(request: Request) -> str:
    """Path and query as a client writes them, and the body of a QUERY, which is a part of what it asks for."""
    query = request.query.decode("utf-8", "surrogateescape")
    target = f"{request.path}?{query}" if query else request.path
    return f"{target} {request.body.decode('utf-8', 'replace')}" if request.method == QUERY else target


def _unpacked(path: Path) -> bytes:
    """The bytes in UTF-8, without a byte-order mark."""
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    try:
        with gzip.open(path) if packed else path.open("rb") as source:
            data: bytes = source.read(LONGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RecordingError(f"{path.name} is no whole gzip file: {error}") from None
    if len(data) > LONGEST:
        raise RecordingError(f"{path.name} is over {LONGEST:,} bytes: cut it into parts")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(BOM_UTF8)


def _har(data: bytes, name: str) -> list[RecordedCall]:
    try:
        entries = orjson.loads(data)["log"]["entries"]
    except orjson.JSONDecodeError as error:
        raise RecordingError(f"{name} is no HAR file: it is no JSON ({error})") from None
    except (KeyError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise RecordingError(f"{name} is no HAR file: it has no list `entries` in `log`")
    return [_read_entry(entry, f"{name}: entry {number} of {len(entries)}") for number, entry in enumerate(entries, 1)]


def _read_entry(entry: Json, place: str) -> RecordedCall:
    try:
        return _entry(entry)
    except (ValueError, KeyError, TypeError, AttributeError):
        form = "a `request` with `method` and `url` as text, and bodies whose base64 is whole"
        raise RecordingError(f"{place} is not as HAR files have it ({form}): take it out") from None


def _entry(entry: JsonObject) -> RecordedCall:
    request, response = entry["request"], entry.get("response") or {}
    headers = {_header(one["name"].lower()): _header(one["value"]) for one in request.get("headers") or ()}
    posted = request.get("postData") or {}
    body = _content(posted) or _form(posted)
    if body and posted.get("mimeType"):
        headers.setdefault(b"content-type", _header(posted["mimeType"]))
    call = request_of(request["method"], request["url"], headers, body)
    host = split_target(request["url"])[0]
    return RecordedCall(host, call, int(response.get("status") or 0), _content(response.get("content") or {}))


def _header(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _content(content: JsonObject) -> bytes:
    """A body's text, in either of the two ways in which HAR has it."""
    text: str = content.get("text") or ""
    return b64decode(text) if content.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")


def _form(posted: JsonObject) -> bytes:
    """The body of a form, of which HAR may have the fields alone."""
    fields = [(field["name"], field.get("value") or "") for field in posted.get("params") or ()]
    return urlencode(fields, errors="surrogatepass").encode()


def _objects(data: bytes) -> list[RecordedCall]:
    """The calls of a log with a JSON object a line, as Caddy writes it, or nginx by a format of one's own. None of a HAR file."""
    lines = data.splitlines()
    found = [_object(line) for line in lines if line.startswith(b"{") and line.rstrip().endswith(b"}")]
    return [one for one in found if one is not None]


def _object(line: bytes) -> RecordedCall | None:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    request = said.get("request")
    if isinstance(request, str):
        return next(_log(f'"{request}" {said.get("status", "000")}'.encode()), None)
    members = _members(said)
    method, target = (_first(members, names) for names in (_METHODS, _TARGETS))
    if not isinstance(method, str) or not isinstance(target, str):
        return None
    host, status = str(_first(members, _HOSTS) or split_target(target)[0]), str(_first(members, _STATUSES))
    return RecordedCall(host.lower(), request_of(method, target + _query(members, target)), int(status) if status.isdecimal() else 0)


def _members(said: JsonObject) -> JsonObject:
    """The members, with those of inner objects over them, by their names in small letters without signs."""
    inner = [said[name] for name in _INNER if isinstance(said.get(name), dict)]
    return {_SIGNS.sub("", name.lower()): value for one in (said, *inner) for name, value in one.items()}


def _query(members: JsonObject, target: str) -> str:
    """The query string, where it is logged beside the path."""
    query = _first(members, _QUERIES)
    return "?" + query.lstrip("?") if isinstance(query, str) and "=" in query and "?" not in target else ""


def _first(said: JsonObject, names: Sequence[str]) -> Json:
    return next((said[name] for name in names if name in said), None)


def _log(data: bytes) -> Iterator[RecordedCall]:
    for line in data.decode("utf-8", "replace").splitlines():
        found = _LINE.search(line)
        if found:
            target = _ESCAPES.sub(r"%\1", found["target"])
            yield RecordedCall(split_target(target)[0], request_of(found["method"], target), int(found["status"] or 0))
