"""A REST client's recorded traffic, moved to GraphQL: its documents are written down, and both doors are asked and compared."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from rest_compat.traffic import READS, Translated, Untranslated, differences, read_traffic, target_of, translate_all, write_folder
from rest_compat.translate import Translator
from schema.answers import Answer

TIMEOUT_SECONDS = 30.0
_NOT_LET_IN = {401, 403}


def translate_recording(translator: Translator, recording: Path, folder: Path) -> tuple[Sequence[Translated], Sequence[Untranslated]]:
    """Writes the documents and variables of a HAR file or access log into `folder`. Raises TrafficError, OSError."""
    kinds, refused = translate_all(translator, read_traffic(recording))
    write_folder(folder, kinds)
    return kinds, refused


def verify(kinds: Sequence[Translated], server: str, token: str) -> Iterator[tuple[str, list[str]]]:
    """Each read of the recording, sent through both doors of the gateway at `server`, with where the answers differ.

    Raises OSError where it can't be reached or doesn't take the token.
    """
    for kind in kinds:
        if kind.request.method not in READS:
            continue
        query = "?" + kind.request.query.decode("latin-1") if kind.request.query else ""
        status, body = _ask(server + quote(kind.request.path) + query, token)
        if status in _NOT_LET_IN:
            raise PermissionError(f"{server} doesn't let this token read: {status}")
        operation = {"query": kind.call.operation.document, "variables": kind.call.variables}
        _, told = _ask(f"{server}/graphql", token, operation)
        answer: dict[str, Any] = json.loads(told)
        yield target_of(kind.request), differences(kind.call, status, body, Answer(answer.get("data"), answer.get("errors")))


def _ask(url: str, token: str, operation: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
    """Status and body; POST where there is an operation."""
    data = None if operation is None else json.dumps(operation).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
    try:
        with urlopen(HttpRequest(url, data, headers), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  the operator's own gateway
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
