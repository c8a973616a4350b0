"""GraphQL types as JSON Schema (2020-12, as OpenAPI 3.1 has it), with the limits and descriptions of the SDL.

Patterns are left out. Those of scalars say what their formats say, and those of texts hold escapes beyond ASCII: PHP can't compile them,
and Python's generated clients look for a pattern at the beginning only, so both refuse names that are right.
"""

from collections.abc import Sequence

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLNamedType,
    GraphQLType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from rest_compat.json_values import JsonObject
from rest_compat.translate.endpoint import Endpoint
from rest_compat.translate.limits import limits
from rest_compat.translate.parameter_types import SCALAR_SCHEMAS
from rest_compat.translate.shape import ValueSource, enum_texts

_IN_WORDS = {"Money": "With at most two decimals."}
"""Limits given in words only: `multipleOf: 0.01` would refuse 143.48, since no binary number is exactly that."""
_BOUNDS = {
    "minLength": "minLength",
    "maxLength": "maxLength",
    "min": "minimum",
    "max": "maximum",
    "minItems": "minItems",
    "maxItems": "maxItems",
    "uniqueItems": "uniqueItems",
    "format": "format",
}


def named_schema(type_: GraphQLNamedType) -> JsonObject:
    """A scalar or an enum; enum values are lower case in REST."""
    if isinstance(type_, GraphQLEnumType):
        return {"type": "string", "enum": list(enum_texts(type_).values())}
    return dict(SCALAR_SCHEMAS.get(type_.name, {}))


def nullable(schema: JsonObject) -> JsonObject:
    """The same, or null."""
    if "type" not in schema:
        return schema
    extended = schema | {"type": [schema["type"], "null"]}
    return extended | {"enum": [*schema["enum"], None]} if "enum" in schema else extended


def answer_schema(source: ValueSource) -> JsonObject:
    """A key of an answer."""
    schema = named_schema(source.type)
    if source.many:
        schema = {"type": "array", "items": schema}
    return _described(nullable(schema) if source.nullable else schema, source)


def _described(schema: JsonObject, source: ValueSource) -> JsonObject:
    # Of `account.id`, it is `account` that says what the key means.
    text = source.key.description or source.steps[0].description
    described = schema | ({"description": text} if text else {})
    return described | ({"deprecated": True} if source.deprecated else {})


def object_schema(sources: Sequence[ValueSource]) -> JsonObject:
    """A REST object with all its keys."""
    properties = {source.key.name: answer_schema(source) for source in sources}
    return {"type": "object", "required": list(properties), "properties": properties}


def input_schema(endpoint: Endpoint) -> JsonObject:
    """A request body: what may be written, with its limits; unknown keys are let pass, so nothing is said against them."""
    assert endpoint.body is not None
    properties: JsonObject = {}
    required = []
    for name, (_, field) in endpoint.body.writable.items():
        schema = _input_field(field, may_be_null=endpoint.action == "create" or name not in _kept(endpoint))
        properties[name] = schema | ({"deprecated": True} if endpoint.body.deprecated[name] else {})
        if is_non_null_type(field.type):
            required.append(name)
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _kept(endpoint: Endpoint) -> set[str]:
    """Keys that no PATCH can clear: those that are never null in an answer (lists are cleared to be empty)."""
    return {source.key.name for source in endpoint.sources if not source.nullable and not source.many}


def _input_field(field: GraphQLInputField, *, may_be_null: bool) -> JsonObject:
    schema = _input_type(field.type)
    schema |= {_BOUNDS[name]: value for name, value in limits(field.ast_node).items() if name in _BOUNDS}
    if not is_non_null_type(field.type) and may_be_null:
        schema = nullable(schema)
    message_names = " ".join(filter(None, (field.description, _IN_WORDS.get(get_named_type(field.type).name))))
    return schema | ({"description": message_names} if message_names else {})


def _input_type(type_: GraphQLType) -> JsonObject:
    if is_non_null_type(type_):
        return _input_type(type_.of_type)
    if is_list_type(type_):
        return {"type": "array", "items": _input_type(type_.of_type)}
    return named_schema(get_named_type(type_))
