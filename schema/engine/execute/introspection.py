"""What an operation asks of the schema itself: executed by graphql-core once, then kept as long as there is room for it."""

import orjson

from schema.engine.document.introspection import SchemaPart
from schema.engine.kept import SizedCache
from schema.values import Object

from .fallback import Execution, Fallback

ANSWERS, ANSWERS_BYTES = 1_000, 4_000_000
"""How many answers are kept, and how many bytes they and their keys have."""


class Introspection:
    """Tells parts of the schema."""

    def __init__(self, fallback: Fallback) -> None:
        self._fallback = fallback
        self._kept: SizedCache[bytes] = SizedCache(ANSWERS, ANSWERS_BYTES)

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
