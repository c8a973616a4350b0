"""The actions of the mutations that nouns share, by name: create, change or delete a record, or many of them."""

from collections.abc import Sequence

from strawberry.utils.str_converters import to_camel_case

from schema.rules.errors import BadRequest
from schema.values import Object, Values

from .inputs import InputError
from .mutation_call import Action, RunAction
from .records import RecordWriter, Writers
from .removal import Removals
from .write_transaction import WriteTransaction, refused

_ABANDONED = InputError("CONFLICT", "ANOTHER_ITEM", None, "Not done: another item of this atomic call failed.")

BulkItem = tuple[str, int | None]
"""An id, and the version that is expected of it."""


def record_actions(writers: Writers) -> dict[str, Action]:
    """The actions of all nouns. Raises TypeError for declarations that contradict each other."""
    removals = Removals(writers)
    return {name: action for writer in writers.values() for name, action in _of_noun(writer, removals).items()}


def _of_noun(writer: RecordWriter, removals: Removals) -> dict[str, Action]:
    async def create(transaction: WriteTransaction, arguments: Values) -> Object:
        return await writer.create(transaction, arguments["input"])

    async def update(transaction: WriteTransaction, arguments: Values) -> Object:
        whole = arguments.get("ignoreUnchanged", False)
        return await writer.update(transaction, arguments["id"], arguments["input"], arguments.get("expectedVersion"), whole=whole)

    async def remove(transaction: WriteTransaction, arguments: Values) -> Object:
        return await removals.remove(transaction, writer, arguments["id"], arguments.get("expectedVersion"))

    one, many = to_camel_case(f"_{writer.noun.member}"), to_camel_case(f"_{writer.noun.plural.replace(' ', '_')}")
    return {
        f"create{one}": Action(create, creates=True),
        f"update{one}": Action(update),
        f"delete{one}": Action(remove, many=removals.is_long(writer.noun.name)),
        f"create{many}": Action(_for_inputs(create), many=True, creates=True),
        f"update{many}": Action(_for_ids(update), many=True, check=_check_versions),
        f"delete{many}": Action(_for_ids(remove), many=True, check=_check_versions),
    }


def _for_inputs(one: RunAction) -> RunAction:
    """Return the action that runs `one` for each of `inputs`; equal inputs make as many records. Each succeeds alone, or all do."""

    async def run(transaction: WriteTransaction, arguments: Values) -> Object:
        results = [await one(transaction, {"input": given}) for given in arguments["inputs"]]
        return _bulk(transaction, results, atomic=arguments["atomic"])

    return run


def _for_ids(one: RunAction) -> RunAction:
    """Does `one` for each of `ids`. An item that comes twice is done once, and each of its places has that result."""

    async def run(transaction: WriteTransaction, arguments: Values) -> Object:
        items = _items(arguments)
        results = {item: await one(transaction, {**arguments, "id": item[0], "expectedVersion": item[1]}) for item in dict.fromkeys(items)}
        return _bulk(transaction, [results[item] for item in items], atomic=arguments["atomic"])

    return run


def _check_versions(arguments: Values) -> None:
    """Raises BadRequest where there isn't an expected version for each id."""
    ids, versions = arguments["ids"], arguments.get("expectedVersions")
    if versions is not None and len(versions) != len(ids):
        message = f"`expectedVersions` has {len(versions)} items and `ids` {len(ids)}: give one for each id, null where any will do."
        raise BadRequest(message)


def _items(arguments: Values) -> list[BulkItem]:
    """Each id with the version that is expected of it. A double for which any version will do is the item that names one."""
    ids, versions = arguments["ids"], arguments.get("expectedVersions") or ()
    named: dict[str, int] = {}
    for id_, version in zip(ids, versions, strict=False):
        if version is not None:
            named.setdefault(id_, version)
    given = versions or [None] * len(ids)
    return [(id_, named.get(id_) if version is None else version) for id_, version in zip(ids, given, strict=True)]


def _bulk(transaction: WriteTransaction, results: Sequence[Object], *, atomic: bool) -> Object:
    failed = sum(bool(result["userErrors"]) for result in results)
    if atomic and failed:
        transaction.abandoned = True
        results = [result if result["userErrors"] else refused(_ABANDONED) for result in results]
        failed = len(results)
    placed = [_at(place, result) for place, result in enumerate(results)]
    return {"results": placed, "succeeded": len(results) - failed, "failed": failed}


def _at(place: int, result: Object) -> Object:
    """A result whose faults say which item they are about."""
    errors = result["userErrors"]
    return {**result, "userErrors": [{**error, "index": place} for error in errors]} if errors else result
