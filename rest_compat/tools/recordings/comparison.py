"""Answers compared: those of the two doors, and those of then and now."""

from collections.abc import Iterator

import orjson

from rest_compat.json_values import Json
from rest_compat.protocol import OperationResult
from rest_compat.translate.call import TranslatedCall
from rest_compat.translate.endpoint import COUNT, NODES


def differences(call: TranslatedCall, status: int, body: bytes, answer: OperationResult) -> list[str]:
    """Return the differences between the REST answer to a read and the GraphQL answer to its translation; empty if they are equal."""
    record = (answer.data or {}).get(call.endpoint.root)
    if answer.errors or record is None:
        expected: Json = None
    elif call.endpoint.action == "list":
        expected = {"count": record[COUNT], "results": [call.operation.write(row) for row in record[NODES]]}
    else:
        expected = call.operation.write(record)
    if status >= 400:  # noqa: PLR2004  any error
        past = call.query.page is not None and expected is not None and call.query.page.is_past(expected["count"])
        return [] if expected is None or past else [f"REST refuses with {status} what GraphQL answers"]
    given = orjson.loads(body)
    if call.endpoint.action == "list":
        given = {name: given[name] for name in ("count", "results")}
    return list(_differing(given, orjson.loads(orjson.dumps(expected)), ""))


def _differing(rest: Json, graphql: Json, where: str) -> Iterator[str]:
    if isinstance(rest, dict) and isinstance(graphql, dict):
        for name in rest.keys() | graphql.keys():
            yield from _differing(rest.get(name), graphql.get(name), f"{where}.{name}".lstrip("."))
    elif isinstance(rest, list) and isinstance(graphql, list) and len(rest) == len(graphql):
        for index, (one, other) in enumerate(zip(rest, graphql, strict=True)):
            yield from _differing(one, other, f"{where}[{index}]")
    elif rest != graphql:
        yield f"{where}: REST has {rest!r}, GraphQL {graphql!r}"


def recorded_differences(recorded: bytes, now: bytes) -> tuple[list[str], list[str]]:
    """Where a recorded answer and that of now differ: first in keys and types, which break clients, then in values, which time changes."""
    try:
        found = list(_changes(orjson.loads(recorded), orjson.loads(now), ""))
    except orjson.JSONDecodeError:
        return ["one of the two answers is no JSON"], []
    return [text for breaks, text in found if breaks], [text for breaks, text in found if not breaks]


def _changes(then: Json, now: Json, where: str) -> Iterator[tuple[bool, str]]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() ^ now.keys()):
            yield True, f"{where}.{name}".lstrip(".") + (": was there when it was recorded" if name in then else ": is new")
        for name in then.keys() & now.keys():
            yield from _changes(then[name], now[name], f"{where}.{name}".lstrip("."))
    elif isinstance(then, list) and isinstance(now, list):
        for index, (one, other) in enumerate(zip(then, now, strict=False)):
            yield from _changes(one, other, f"{where}[{index}]")
        if len(then) != len(now):
            yield False, f"{where}: {len(then)} were recorded, now there are {len(now)}"
    elif then != now:
        # Of null nothing is known but that it may be null.
        yield None not in (then, now) and _kind(then) != _kind(now), f"{where}: recorded was {then!r}, now it is {now!r}"


def _kind(value: Json) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
