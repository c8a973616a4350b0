"""What an operation asks of the schema itself: executed by graphql-core once, then kept as long as there is room for it."""

from dataclasses import dataclass

import orjson
from graphql import DocumentNode, print_ast

from schema.engine.execute.fallback import Execution, Fallback
from schema.engine.execute.kept import Kept
from schema.values import Object

from .selections import Selected, Selections

FIELDS = frozenset({"__schema", "__type"})
ANSWERS, ANSWERS_BYTES = 1_000, 4_000_000
"""How many answers are kept, and how many bytes they and their keys have."""


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """The root fields of a query that ask for the schema, as a document of their own."""

    document: DocumentNode
    text: str
    variables: frozenset[str]


def schema_part(selections: Selections, asked: list[Selected]) -> SchemaPart | None:
    """What the root fields `asked` ask of the schema."""
    found = [selected for selected in asked if selected.name in FIELDS]
    if not found:
        return None
    document, variables = selections.document_of(found)
    return SchemaPart(document, print_ast(document), variables)


class Introspection:
    """Tells parts of the schema."""

    def __init__(self, fallback: Fallback) -> None:
        self._fallback = fallback
        self._kept: Kept[bytes] = Kept(ANSWERS, ANSWERS_BYTES)

    async def answer(self, part: SchemaPart, given: Object, owner: str) -> bytes | None:
        """The part's data in JSON; None where graphql-core has errors to tell. Raises TooMuchSchema, ServiceUnavailable."""
        variables = {name: given[name] for name in sorted(part.variables) if name in given}
        key = part.text, repr(variables)
        found = self._kept.get(key)
        if found is None:
            result = await self._fallback.execute_beside(Execution(part.document, {}, variables), owner)
            if result.errors:
                return None
            found = orjson.dumps(result.data)
            self._kept.put(key, found, sum(map(len, (found, *key))))
        return found
