"""The method QUERY (RFC 10008): a list's parameters as a JSON object in the body, read as the query string that says the same."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import orjson

from rest_compat.errors import ErrorItem, MalformedRequest, malformed
from rest_compat.json_values import Json

from .body import body_item

METHOD = "QUERY"
MOST_INTEGER = 2**53
_ALLOWED = "allowed is text, a number, true, false, or a list of those"


def query_string(body: Json) -> bytes:
    """The parameters in a decoded body, encoded: a list becomes its elements, null and the empty list are empty parameters. Raises 400."""
    if not isinstance(body, dict):
        raise MalformedRequest('The body must be a JSON object of the parameters: {"stage": ["proposal"], "limit": 20}.')
    faults: list[ErrorItem] = []
    pairs = [(name, text) for name, value in body.items() for text in _texts(name, value, faults)]
    if faults:
        raise malformed(faults)
    return urlencode(pairs, safe="[]").encode()


def _texts(name: str, value: Json, faults: list[ErrorItem]) -> Iterator[str]:
    if not isinstance(value, list):
        yield _text((name,), value, faults)
    elif not value:
        yield ""
    else:
        yield from (_text((name, index), each, faults) for index, each in enumerate(value))


def _text(path: tuple[str | int, ...], value: Json, faults: list[ErrorItem]) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float):
        item = body_item(path, "")
        faults.append(replace(item, code="bad_request", message=f"{item.field} is {_kind(value)}; {_ALLOWED}."))
        return ""
    # `20.0` is a number of pages too; orjson writes no integer beyond 64 bits, and no route has a use for one.
    return orjson.dumps(int(value) if abs(value) < MOST_INTEGER and value == int(value) else value).decode()


def _kind(value: Json) -> str:
    return "a list within a list" if isinstance(value, list) else "an object"
