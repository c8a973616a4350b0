"""What the mutations do that nouns have in common, by their names: one creates, changes or deletes a record, or many of them."""

from strawberry.utils.str_converters import to_camel_case

from schema.values import Object, Values

from .many import check_versions, create_many, remove_many, update_many
from .records import RecordWriter, Writers
from .removal import Removals
from .transaction import Action
from .writing import Writing


def record_actions(writers: Writers) -> dict[str, Action]:
    """The actions of all nouns. Raises TypeError for declarations that contradict each other."""
    removals = Removals(writers)
    return {name: action for writer in writers.values() for name, action in _of_noun(writer, removals).items()}


def _of_noun(writer: RecordWriter, removals: Removals) -> dict[str, Action]:
    async def create(writing: Writing, arguments: Values) -> Object:
        return await writer.create(writing, arguments["input"])

    async def update(writing: Writing, arguments: Values) -> Object:
        whole = arguments.get("ignoreUnchanged", False)
        return await writer.update(writing, arguments["id"], arguments["input"], arguments.get("expectedVersion"), whole=whole)

    async def remove(writing: Writing, arguments: Values) -> Object:
        return await removals.remove(writing, writer, arguments["id"], arguments.get("expectedVersion"))

    one, many = writer.noun.name, to_camel_case(f"_{writer.noun.plural.replace(' ', '_')}")
    return {
        f"create{one}": Action(create, creates=True),
        f"update{one}": Action(update),
        f"delete{one}": Action(remove, many=removals.is_long(one)),
        f"create{many}": Action(create_many(writer), many=True, creates=True),
        f"update{many}": Action(update_many(writer), many=True, check=check_versions),
        f"delete{many}": Action(remove_many(writer, removals), many=True, check=check_versions),
    }
