"""Translates the graph's messages to REST's names: words between backticks are names of the schema."""

import re
from collections.abc import Mapping

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type

from .shape import enum_texts

HEADERS: Mapping[str, str] = {"expectedVersion": "If-Match", "idempotencyKey": "Idempotency-Key"}
"""Arguments of the graph that are headers in REST."""

_NAME = re.compile(r"`(\w+)`")


class MessageNames:
    """Puts REST's names in place of the graph's: `assignedTo` for `assignedToId`, `closed_lost` for `CLOSED_LOST`."""

    def __init__(self, names: Mapping[str, str], input_type: GraphQLInputObjectType | None) -> None:
        fields = input_type.fields.values() if input_type is not None else ()
        enums = [type_ for field in fields if isinstance(type_ := get_named_type(field.type), GraphQLEnumType)]
        self._names = {**HEADERS, **{name: text for enum in enums for name, text in enum_texts(enum).items()}, **names}

    def of(self, message: str) -> str:
        """A message of the graph in REST's names."""
        return _NAME.sub(self._renamed, message)

    def _renamed(self, found: re.Match[str]) -> str:
        return f"`{self._names.get(found[1], found[1])}`"
