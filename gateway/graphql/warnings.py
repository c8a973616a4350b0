"""`extensions.warnings` names what an operation uses that is deprecated, as GitHub's API does: coordinate, reason and dates."""

from collections.abc import Mapping
from datetime import date
from sys import getsizeof
from typing import Final

from graphql import GraphQLSchema, get_named_type, type_from_ast

from rest_compat.deprecations import in_schema
from rest_compat.json_values import Json, JsonObject
from rest_compat.resources.declaration import DeclarationError
from schema.engine.cache import SizedCache
from schema.engine.document.deprecations import deprecated_in, given, takes_deprecated, used
from schema.engine.document.documents import PreparedOperation

#: Operations whose warnings are kept, and about how many bytes they take with their texts.
KEPT: Final = 1_000
KEPT_BYTES: Final = 4_000_000
#: Bytes that a place takes, and each warning that it names.
_PLACE: Final = 500


class Warnings:
    """The warnings of each operation. Made only where something is deprecated at all."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._reasons = deprecated_in(schema)
        self._by_coordinate = {coordinate: _warning(coordinate, reason) for coordinate, reason in self._reasons.items()}
        self._kept: SizedCache[tuple[list[JsonObject], bool]] = SizedCache(KEPT, KEPT_BYTES)

    def of(self, prepared: PreparedOperation, variables: Mapping[str, Json] | None) -> list[JsonObject]:
        """Return the warnings of an operation, in the order of use; those of variables come last."""
        key = prepared.text, prepared.name
        known = self._kept.get(key)
        if known is None:
            known = self._look(prepared)
            self._kept.put(key, known, _PLACE * (1 + len(known[0])) + getsizeof(prepared.text))
        found, takes = known
        if not takes or not variables:
            return found
        held = dict.fromkeys(given(self._schema, prepared.operation, variables))
        return [*found, *(self._by_coordinate[one] for one in held if one in self._by_coordinate and self._by_coordinate[one] not in found)]

    def _look(self, prepared: PreparedOperation) -> tuple[list[JsonObject], bool]:
        """The warnings of the document, and whether its variables can hold more."""
        types = (type_from_ast(self._schema, node.type) for node in prepared.operation.variable_definitions or ())
        takes = any(takes_deprecated(get_named_type(type_)) for type_ in types if type_ is not None)
        return [self._by_coordinate[one] for one in used(self._schema, prepared.document, prepared.name, self._reasons)], takes


def warnings_of(schema: GraphQLSchema) -> Warnings | None:
    """None where nothing is deprecated."""
    return Warnings(schema) if deprecated_in(schema) else None


def _warning(coordinate: str, reason: str) -> JsonObject:
    try:
        dates = in_schema(coordinate, reason)
    except DeclarationError:
        dates = None
    return {
        "type": "DEPRECATION",
        "message": f"`{coordinate}` is deprecated: {reason}",
        "coordinate": coordinate,
        "reason": reason,
        "since": _day(dates.since if dates else None),
        "sunset": _day(dates.sunset if dates else None),
        "link": dates.link if dates else None,
    }


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None
