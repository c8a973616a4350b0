"""GraphQL types as JSON Schema (2020-12, as OpenAPI 3.1 has it), with the limits and descriptions of the SDL."""

from collections.abc import Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLNamedType,
    GraphQLType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from .binding import Bound
from .kinds import MONEY_LIMIT
from .limits import limits, pattern_of
from .shape import Source, enum_texts

JsonSchema = dict[str, Any]

_SCALARS: dict[str, JsonSchema] = {
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Money": {"type": "number", "minimum": -float(MONEY_LIMIT), "maximum": float(MONEY_LIMIT), "multipleOf": 0.01},
}
_BOUNDS = {
    "minLength": "minLength",
    "maxLength": "maxLength",
    "min": "minimum",
    "max": "maximum",
    "maxItems": "maxItems",
    "uniqueItems": "uniqueItems",
    "format": "format",
    "pattern": "pattern",
}


def named_schema(type_: GraphQLNamedType) -> JsonSchema:
    """A scalar or an enum; enum values are lower case in REST."""
    if isinstance(type_, GraphQLEnumType):
        return {"type": "string", "enum": list(enum_texts(type_).values())}
    schema = dict(_SCALARS[type_.name])
    pattern = pattern_of(type_)
    return schema | {"pattern": pattern} if pattern and schema["type"] == "string" else schema


def nullable(schema: JsonSchema) -> JsonSchema:
    """The same, or null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    extended = schema | {"type": [*types, "null"]}
    return extended | {"enum": [*schema["enum"], None]} if "enum" in schema else extended


def answer_schema(source: Source) -> JsonSchema:
    """A key of an answer."""
    schema = named_schema(source.type)
    if source.many:
        schema = {"type": "array", "items": schema}
    return _described(nullable(schema) if source.nullable else schema, source)


def _described(schema: JsonSchema, source: Source) -> JsonSchema:
    # Of `account.id`, it is `account` that says what the key means.
    text = source.key.description or source.steps[0].description
    described = schema | ({"description": text} if text else {})
    return described | ({"deprecated": True} if source.deprecated else {})


def object_schema(sources: Sequence[Source], *, whole: bool = True) -> JsonSchema:
    """A REST object: every key is always there, unless `fields` has asked for some of them."""
    properties = {source.key.name: answer_schema(source) for source in sources}
    required = {"required": list(properties)} if whole else {"minProperties": 1}
    return {"type": "object", **required, "properties": properties}


def input_schema(bound: Bound) -> JsonSchema:
    """A request body: what may be written, with its limits; unknown keys are let pass, so nothing is said against them."""
    assert bound.body is not None
    properties: JsonSchema = {}
    required = []
    for name, (_, field) in bound.body.writable.items():
        schema = _input_field(field, may_be_null=bound.action == "create" or name not in _kept(bound))
        properties[name] = schema | ({"deprecated": True} if bound.body.deprecated[name] else {})
        if is_non_null_type(field.type):
            required.append(name)
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _kept(bound: Bound) -> set[str]:
    """Keys that no PATCH can clear: those that are never null in an answer (lists are cleared to be empty)."""
    return {source.key.name for source in bound.sources if not source.nullable and not source.many}


def _input_field(field: GraphQLInputField, *, may_be_null: bool) -> JsonSchema:
    schema = _input_type(field.type)
    bounds = limits(field.ast_node)
    schema |= {_BOUNDS[name]: value for name, value in bounds.items() if name in _BOUNDS}
    pattern = pattern_of(get_named_type(field.type))
    if pattern and schema["type"] == "number":
        # A number may come as text, too; where none may be negative, the text may not, either.
        text = pattern.replace("^-?", "^") if bounds.get("min") == 0 else pattern
        schema = {"anyOf": [schema, {"type": "string", "pattern": text}]}
    if not is_non_null_type(field.type) and may_be_null:
        schema = nullable(schema)
    return schema | ({"description": field.description} if field.description else {})


def _input_type(type_: GraphQLType) -> JsonSchema:
    if is_non_null_type(type_):
        return _input_type(type_.of_type)
    if is_list_type(type_):
        return {"type": "array", "items": _input_type(type_.of_type)}
    return named_schema(get_named_type(type_))
