"""Writes many records by one call: each stands or falls by itself, or all do."""

from collections.abc import Awaitable, Callable, Sequence

from schema.rules.errors import BadRequest
from schema.values import Object, Values

from .inputs import InputError
from .records import RecordWriter
from .removal import Removals
from .transaction import RunAction
from .writing import Writing, refused

_ABANDONED = InputError("CONFLICT", "OTHER", None, "Not done: another item of this atomic call failed.")

BulkItem = tuple[str, int | None]
"""An id, and the version that is expected of it."""


def check_versions(arguments: Values) -> None:
    """Raises BadRequest where there isn't an expected version for each id."""
    ids, versions = arguments["ids"], arguments.get("expectedVersions")
    if versions is not None and len(versions) != len(ids):
        message = f"`expectedVersions` has {len(versions)} items and `ids` {len(ids)}: give one for each id, null where any will do."
        raise BadRequest(message)


def create_many(writer: RecordWriter) -> RunAction:
    """What creates a record for each of `inputs`; those that are alike make as many records."""

    async def run(writing: Writing, arguments: Values) -> Object:
        results = [await writer.create(writing, given) for given in arguments["inputs"]]
        return _bulk(writing, results, atomic=arguments["atomic"])

    return run


def update_many(writer: RecordWriter) -> RunAction:
    """What makes the same change to each of `ids`."""

    async def run(writing: Writing, arguments: Values) -> Object:
        async def one(id_: str, expected: int | None) -> Object:
            return await writer.update(writing, id_, arguments["input"], expected)

        return _bulk(writing, await _once_each(_items(arguments), one), atomic=arguments["atomic"])

    return run


def remove_many(writer: RecordWriter, removals: Removals) -> RunAction:
    """What deletes each of `ids`."""

    async def run(writing: Writing, arguments: Values) -> Object:
        async def one(id_: str, expected: int | None) -> Object:
            return await removals.remove(writing, writer, id_, expected)

        return _bulk(writing, await _once_each(_items(arguments), one), atomic=arguments["atomic"])

    return run


def _items(arguments: Values) -> list[BulkItem]:
    """Each id with the version that is expected of it. A double for which any version will do is the item that names one."""
    ids, versions = arguments["ids"], arguments.get("expectedVersions") or ()
    named: dict[str, int] = {}
    for id_, version in zip(ids, versions, strict=False):
        if version is not None:
            named.setdefault(id_, version)
    given = versions or [None] * len(ids)
    return [(id_, named.get(id_) if version is None else version) for id_, version in zip(ids, given, strict=True)]


async def _once_each(items: Sequence[BulkItem], one: Callable[[str, int | None], Awaitable[Object]]) -> list[Object]:
    """The result of each item, in their order. An item that comes twice is done once, and each of its places has that result."""
    results = {item: await one(*item) for item in dict.fromkeys(items)}
    return [results[item] for item in items]


def _bulk(writing: Writing, results: Sequence[Object], *, atomic: bool) -> Object:
    failed = sum(bool(result["userErrors"]) for result in results)
    if atomic and failed:
        writing.abandoned = True
        results = [result if result["userErrors"] else refused(_ABANDONED) for result in results]
        failed = len(results)
    placed = [_at(place, result) for place, result in enumerate(results)]
    return {"results": placed, "succeeded": len(results) - failed, "failed": failed}


def _at(place: int, result: Object) -> Object:
    """A result whose faults say which item they are about."""
    errors = result["userErrors"]
    return {**result, "userErrors": [{**error, "index": place} for error in errors]} if errors else result
