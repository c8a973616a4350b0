"""Cases that JSON Schema cannot rule out, made to obey: what OpenAPI and the rules beside it allow must be accepted."""

import re
import unicodedata
from itertools import count
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator

from rest_compat.headers import GRAPHQL_INT
from rest_compat.preferences import read_preferences
from rest_compat.translate.paging import DEFAULT_LIMIT, MOST_LIMIT, POSITIONS

IDS = {"accountId", "assignedTo"}
LARGEST = 2**53 - 1
LEAST_KEY = 8
AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_NUMBERS = count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Said late, since the coverage phase asks no generator. What is meant to be refused is left as it is."""
    del context, kwargs
    _whole(case)
    if case.method == "QUERY":
        # Lists have this method, for which OpenAPI 3.1 has no word: the case looks for one that isn't there.
        case.method = "PUT"
    if case.meta is None or case.meta.generation.mode.is_positive:
        _page_once(case.query or {})
        _legible(case.query or {}, "search")
        _legible(case.body if isinstance(case.body, dict) else {}, "name")
        _ignore_undeclared(case)
        _own_key(case.headers or {})


def _whole(case: Any) -> None:
    """The schemas describe whole objects: no `fields`, but where it is what the case is refused for."""
    query = case.query or {}
    given = query.get("fields")
    names = given.split(",") if isinstance(given, str) else given
    allowed = [one.definition["schema"]["items"]["enum"] for one in case.operation.query if one.name == "fields"]
    if isinstance(names, list) and allowed and all(isinstance(name, str) and name.strip() in ("", *allowed[0]) for name in names):
        del query["fields"]


def _page_once(query: dict[str, Any]) -> None:
    """Either `page` or `offset`, no page too far, and no position, which only links hold; an empty parameter is as if absent."""
    for position in POSITIONS:
        query.pop(position, None)
    page, limit = (int(query.get(name) or default) for name, default in (("page", 1), ("limit", DEFAULT_LIMIT)))
    if query.get("offset", "") != "" or (page - 1) * min(MOST_LIMIT, limit) > GRAPHQL_INT:
        query.pop("page", None)


def _legible(texts: dict[str, Any], name: str) -> None:
    """A text without control characters, and one that is not all blank: OpenAPI says so in words, since not all clients read patterns."""
    if isinstance(text := texts.get(name), str) and text:
        found = "".join(character for character in text if unicodedata.category(character)[0] not in "CZ")
        texts[name] = found or "x"


def _ignore_undeclared(case: Any) -> None:
    """Keys that are not declared may be sent, but not with `Prefer: handling=strict`."""
    headers = case.headers or {}
    if read_preferences(headers.get("Prefer", "")).strict and isinstance(case.body, dict):
        declared = case.operation.body[0].definition["schema"]["properties"]
        if case.body.keys() - declared.keys():
            del headers["Prefer"]


def _own_key(headers: dict[str, Any]) -> None:
    """A key is one call's: each call gets its own, as long as the one that was drawn."""
    if "Idempotency-Key" in headers:
        drawn = headers["Idempotency-Key"]
        headers["Idempotency-Key"] = f"{next(_NUMBERS)}{drawn}"[: max(len(drawn), LEAST_KEY)]


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Whatever is written for an id, or a list of them, is one: a case meant to be refused must have another fault."""
    declared = {one.name: one.definition["schema"] for one in context.operation.query if one.name in IDS}
    given = {name: value for name, value in (query or {}).items() if name in declared and value != ""}
    return all(Draft202012Validator(declared[name]).is_valid(value) for name, value in given.items())


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Integers beyond ±(2^53 - 1) are 400 wherever they stand, also under unknown keys; a float without a fraction is written as one.

    An amount may be a text of digits, too, which OpenAPI doesn't tell: a case meant to be refused must have another fault.
    """
    del context
    return not _too_large(body) and not (isinstance(body, dict) and isinstance(body.get("value"), str) and AMOUNT.fullmatch(body["value"]))


def _too_large(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_too_large, value.values()))
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int | float) and abs(value) > LARGEST
