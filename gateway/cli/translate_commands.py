"""`gateway translate`: one REST call as GraphQL, or a recording of many as a folder; both doors are asked and compared."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, build_opener
from urllib.request import Request as HttpRequest

import orjson
import typer
from typing_extensions import override

from gateway.app import create_app
from gateway.environment import of_file
from gateway.rest.adapter import RestGraph
from gateway.rest.deprecations import rest_resources
from gateway.settings import Settings
from rest_compat import Translator, openapi, openapi_3_0
from rest_compat.errors import HttpError
from rest_compat.json_values import JsonObject
from rest_compat.tools.parity import parity, unmatched_names
from rest_compat.tools.recordings import (
    REPEATABLE,
    CallGroup,
    Recording,
    RecordingError,
    RepeatedRead,
    differences,
    read_recording,
    recorded_differences,
    sort_calls,
    target_of,
    write_folder,
)
from rest_compat.tools.recordings.grouping import MOST_CALLS
from rest_compat.translate.call import JSON_BODY, TranslatedCall, request_of
from schema.engine.execute.responses import GraphQLResponse
from schema.extensions import load
from schema.values import Value

from .terminal import CommandError, say

TIMEOUT_SECONDS: Final = 30.0
#: Paths and hosts that are named, of those that are left out.
MOST_NAMED: Final = 10
_KINDS: Final = {
    "api": "all of REST",
    "route": "the route {}",
    "parameter": "the parameter {}",
    "field": "the key {}",
    "whole_object": "the key {}, which whole objects have",
}
_NOT_LET_IN: Final = {401, 403}


@dataclass(frozen=True, slots=True)
class RecordingFiles:
    """Recordings: their files, and the host and path prefix of the API, where the files don't show them."""

    files: Sequence[Path]
    host: str | None = None
    prefix: str | None = None


@dataclass(slots=True)
class ComparedRead:
    """A read that was asked again: where the doors differ, and where its answer differs from the recorded one, in form or in values."""

    target: str
    doors: list[str]
    form: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    was_recorded: bool = False


def translator_of(settings: Settings) -> Translator:
    """The translation as `gateway serve` does it with these settings, over a database that is never opened."""
    application = create_app(settings)
    return Translator(RestGraph(application.operations, application.uses, settings), rest_resources(settings))


def described(settings: Settings, *, older: bool) -> JsonObject:
    """The OpenAPI document of the REST routes: 3.1, or 3.0 if `older`."""
    document = openapi(translator_of(settings))
    return openapi_3_0(document) if older else document


def print_parity(settings: Settings) -> None:
    """Print the tables; on standard error, what of either side has no partner."""
    translator = translator_of(settings)
    typer.echo(parity(translator), nl=False)
    # REST's objects are a promise to clients: they don't follow where a package adds a field to them.
    additions = {name for extension in load(settings.extensions) for name in extension.additions}
    for name in unmatched_names(translator):
        if name in additions:
            continue
        say(f"{name} has no partner")


def translate_call(settings: Settings, method: str, target: str, body: str) -> None:
    """Print what one call becomes; on standard error, what of it is ignored or deprecated. Raises CommandError."""
    request = request_of(method, target, JSON_BODY if body else {}, body.encode("utf-8", "surrogateescape"))
    try:
        call = translator_of(settings).translate(request)
    except HttpError as error:
        if error.code == "UNSUPPORTED_MEDIA_TYPE" and not body:
            raise CommandError(f"{request.method} {request.path} has a body: give it by --body, as JSON") from None
        faults = "".join(f"\n{item.field}: {item.message}" for item in error.errors)
        raise CommandError(f"{error.detail}{faults}") from None
    typer.echo(call.operation.document.rstrip("\n"))
    typer.echo("\n# Variables: " + orjson.dumps(call.variables).decode())
    for line in _remarks(call):
        say(line)


def _remarks(call: TranslatedCall) -> Iterator[str]:
    if call.ignored:
        yield f"Ignored: {', '.join(call.ignored)}"
    for one in call.deprecations:
        until = f", until {one.deprecation.sunset}" if one.deprecation.sunset else ""
        yield f"Deprecated: {_KINDS[one.kind].format(one.name)}, since {one.deprecation.since}{until}"


def translate_recordings(settings: Settings, source: RecordingFiles, folder: Path, server: str | None, token: str) -> None:
    """Write the folder, print what is in it, and compare where a server is given. Raises CommandError, OSError."""
    translator = translator_of(settings)
    try:
        calls = [call for file in source.files for call in read_recording(file)]
    except RecordingError as error:
        raise CommandError(f"--har: {error}") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CommandError(f"--har: {of_file(error)}") from None
    recording = sort_calls(translator, calls, source.host, source.prefix)
    graph: Value = translator.graph
    write_folder(folder, recording, graph.sdl)
    for line in _summary(recording, folder):
        say(line)
    if server is not None:
        _compare(recording, server.rstrip("/"), token)


def _summary(recording: Recording, folder: Path) -> Iterator[str]:
    where = f"{recording.host}{recording.prefix}"
    if where:
        yield f"Host and prefix: {where} (another by --host, --prefix)"
    share = f"{recording.covered} of {recording.calls} calls ({recording.share} %)"
    yield f"Wrote {len(recording.sorts)} operations into {folder}, for {share}: see {folder / 'README.md'}"
    for one in recording.refused:
        yield f"Not covered: {one.times} × {one.method} {one.target}: {one.reason}"
    ignored = dict.fromkeys(name for sort in recording.sorts for name in sort.ignored)
    if ignored:
        yield f"Ignored parameters and keys: {', '.join(ignored)}"
    for sort in recording.sorts:
        if sort.to_fill:
            yield f"{sort.name}: fill in {', '.join(sort.to_fill)}; what was recorded of that says nothing now"
    if recording.elsewhere:
        yield _left_out("other path", recording.elsewhere)
    if recording.hosts:
        yield _left_out("other host", recording.hosts)


def _left_out(what: str, counts: Mapping[str, int]) -> str:
    named = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name or '(no host)'} × {times}" for name, times in named[:MOST_NAMED])
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{_counted(sum(counts.values()), 'call')} to {_counted(len(counts), what)} left out: {shown}{more}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _compare(recording: Recording, server: str, token: str) -> None:
    """Ask for each read again, by both doors. Ends the process with status 1 where the doors differ, or an answer has another form."""
    try:
        compared = [_verified(sort, asked, server, token) for sort, asked in _reads(recording)]
    except (OSError, ValueError) as error:
        raise CommandError(f"--verify: {error}") from None
    for one in compared:
        for difference in [*one.doors, *(f"recorded answer: {text}" for text in one.form)]:
            typer.echo(f"{one.target}: {difference}")
    different = sum(bool(one.doors) for one in compared)
    say(f"Compared {len(compared)} reads: {different} differ.")
    unasked = sum(sort.unasked for sort in recording.sorts if sort.request.method in REPEATABLE)
    if unasked:
        say(f"Not asked again: {_counted(unasked, 'further read')}; of each sort the first {MOST_CALLS} that differ are.")
    recorded = [one for one in compared if one.was_recorded]
    if recorded:
        form, values = (sum(bool(getattr(one, name)) for one in recorded) for name in ("form", "values"))
        say(f"Compared {len(recorded)} recorded answers with those of now: {form} differ in keys or types, {values} in values.")
    if any(one.doors or one.form for one in compared):
        sys.exit(1)


def _reads(recording: Recording) -> Iterator[tuple[CallGroup, RepeatedRead]]:
    for sort in recording.sorts:
        yield from ((sort, asked) for asked in sort.asked.values() if asked.request.method in REPEATABLE)


def _verified(sort: CallGroup, asked: RepeatedRead, server: str, token: str) -> ComparedRead:
    """Raises OSError where the server can't be reached or doesn't take the token."""
    request = asked.request
    query = "?" + request.query.decode("latin-1") if request.query else ""
    sent = ("QUERY", request.body) if request.method == "QUERY" else ("GET", None)
    status, body = _ask(server + quote(request.path) + query, token, *sent)
    if status in _NOT_LET_IN:
        raise PermissionError(f"{server} doesn't let this token read: {status}")
    operation = {"query": sort.document, "operationName": sort.name, "variables": asked.call.variables}
    answer: JsonObject = json.loads(_ask(f"{server}/graphql", token, "POST", json.dumps(operation).encode())[1])
    doors = differences(asked.call, status, body, GraphQLResponse(answer.get("data"), answer.get("errors")))
    found = ComparedRead(target_of(request), doors)
    if asked.answer and asked.status == status == 200:  # noqa: PLR2004  of a refusal, the words may change
        found.form, found.values = recorded_differences(asked.answer, body)
        found.was_recorded = True
    return found


class _RefuseRedirects(HTTPRedirectHandler):
    """A redirect may lead to another host, which isn't to see the token."""

    @override
    def redirect_request(self, req: Value, fp: Value, code: int, msg: str, headers: Value, newurl: str) -> None:
        raise OSError(f"{req.full_url} answers with a redirect to {newurl}: name the address that it leads to")


_OPENER: Final = build_opener(_RefuseRedirects)


def _ask(url: str, token: str, method: str, data: bytes | None) -> tuple[int, bytes]:
    """Status and body of what is answered to `data`, if there is some. Raises OSError."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
    try:
        with _OPENER.open(HttpRequest(url, data, headers, method=method), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  the operator's own
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
