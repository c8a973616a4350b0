"""Parts of Strawberry beyond its documented names: where it keeps declarations, and how it calls resolvers and extensions."""

from collections.abc import Callable
from functools import partial, reduce
from typing import Final

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry import Schema
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions.field_extension import build_field_extension_resolvers
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.permission import PermissionExtension
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField

from schema.values import Made, Object, Value

__all__ = [
    "DEFINITION",
    "SchemaExtensionsRunner",
    "StrawberryAnnotation",
    "StrawberryArgument",
    "convert",
    "core_of",
    "declared",
    "mend_one_of",
    "permissions_of",
    "permitted",
]

DEFINITION: Final = "strawberry-definition"
"""The key under which the extensions of a GraphQL type, field, argument or enum hold its declaration."""


def core_of(schema: Schema) -> GraphQLSchema:
    """graphql-core's schema, which Strawberry's own is made of."""
    return schema._schema  # noqa: SLF001  there is no other way to it


def declared(element: Made) -> Made:
    """The declaration of an element of graphql-core's schema; None where Strawberry has none, as for what introspection has."""
    return element.extensions.get(DEFINITION)


def mend_one_of(schema: GraphQLSchema) -> None:
    """Tell graphql-core which input types are `@oneOf`, so that its rules and its introspection apply to them.

    Strawberry checks them only as values, when a document was taken already, and fails where introspection asks a list for `isOneOf`.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            type_.is_one_of = declared(type_).is_one_of
    introspected = schema.type_map["__Type"]
    assert isinstance(introspected, GraphQLObjectType)
    introspected.fields["isOneOf"].resolve = _is_one_of


def _is_one_of(type_: Value, _: Value) -> bool | None:
    """Null for what is no input object (specification section 4.2.2)."""
    return type_.is_one_of if isinstance(type_, GraphQLInputObjectType) else None


def permissions_of(field: StrawberryField) -> list[Value]:
    """The permissions that stand around a field's resolver."""
    return [each for around in field.extensions if isinstance(around, PermissionExtension) for each in around.permissions]


def permitted(field: StrawberryField, call: Callable[..., Value]) -> Callable[..., Value] | None:
    """Return `call`, which takes a record, its `info` and arguments, behind a field's permissions; None if more stands around the field."""
    if not all(type(each) is PermissionExtension for each in field.extensions):
        return None
    return reduce(lambda inner, outer: partial(outer, inner), build_field_extension_resolvers(field), call)


def convert(schema: GraphQLSchema, field: StrawberryField, arguments: Object) -> tuple[Object, Made]:
    """Coerced arguments as a resolver takes them, and the class of its `info`."""
    converter = schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]  # noqa: SLF001  there is no other way to it
    return convert_arguments(arguments, field.arguments, converter.scalar_registry, converter.config), converter.config.info_class
