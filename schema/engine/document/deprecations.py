"""The schema coordinates that operations use, and which of them are deprecated: set by extensions, reported to clients that use them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_required_argument,
    is_required_input_field,
    separate_operations,
    type_from_ast,
    visit,
)

from schema.values import Value, Values

Reasons: TypeAlias = dict[str, str]
"""The reasons, by schema coordinate."""

_COORDINATE = re.compile(r"(\w+)\.(\w+)(?:\((\w+):\))?")


def deprecate(schema: GraphQLSchema, reasons: Mapping[str, str]) -> None:
    """Mark what the coordinates name. Raises TypeError for one that names nothing, or something that is required."""
    for coordinate, reason in reasons.items():
        element = _element(schema, coordinate)
        if element is None:
            raise TypeError(f"there is no {coordinate} to deprecate")
        if _is_required(element):
            raise TypeError(f"{coordinate} can't be deprecated: it is required")
        element.deprecation_reason = reason


def _element(schema: GraphQLSchema, coordinate: str) -> Any:
    found = _COORDINATE.fullmatch(coordinate)
    type_: Any = schema.type_map.get(found[1]) if found else None
    members = type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})
    member = members.get(found[2]) if found else None
    return member.args.get(found[3]) if found and found[3] and member is not None else member


def _is_required(element: Any) -> bool:
    """Whether it is an argument or an input field that must be given: who uses it can't leave it out."""
    if isinstance(element, GraphQLArgument):
        return is_required_argument(element)
    return isinstance(element, GraphQLInputField) and is_required_input_field(element)


def deprecated_in(schema: GraphQLSchema) -> Reasons:
    """All that is deprecated; nothing, mostly, and then nobody needs to look for it."""
    return {coordinate: reason for type_ in schema.type_map.values() for coordinate, reason in _of_type(type_)}


def _of_type(type_: GraphQLNamedType) -> Iterator[tuple[str, str]]:
    if type_.name.startswith("__"):
        return
    members: Values = type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})
    for name, member in members.items():
        if member.deprecation_reason:
            yield f"{type_.name}.{name}", member.deprecation_reason
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for argument, definition in member.args.items():
                if definition.deprecation_reason:
                    yield f"{type_.name}.{name}({argument}:)", definition.deprecation_reason


def used(schema: GraphQLSchema, document: DocumentNode, name: str | None, reasons: Reasons) -> list[str]:
    """The coordinates of what an operation of a valid document uses of what is deprecated, in the order of their first use."""
    return [coordinate for coordinate in _visited(schema, document, name) if coordinate in reasons]


def fields_of(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Iterator[str]:
    """The coordinates of the fields that an operation of a valid document asks for."""
    for coordinate in _visited(schema, document, name):
        owner = schema.type_map[coordinate.partition(".")[0]]
        if isinstance(owner, GraphQLObjectType | GraphQLInterfaceType) and "(" not in coordinate and "__" not in coordinate:
            yield coordinate


def _visited(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Iterable[str]:
    own = separate_operations(document).get(name or "", document)
    info = TypeInfo(schema)
    visitor = _Uses(info)
    visit(own, TypeInfoVisitor(info, visitor))
    return visitor.found


class _Uses(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: dict[str, None] = {}

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._use(self.info.get_parent_type(), node.name.value)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        field, parent = self.info.get_field_def(), self.info.get_parent_type()
        if field is not None and parent is not None and self.info.get_directive() is None:
            name = next((name for name, known in getattr(parent, "fields", {}).items() if known is field), "")
            self.found[f"{parent.name}.{name}({node.name.value}:)"] = None

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        self._use(get_named_type(self.info.get_parent_input_type()), node.name.value)

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
        self._use(get_named_type(self.info.get_input_type()), node.value)

    def _use(self, owner: Any, name: str) -> None:
        if owner is not None:
            self.found[f"{owner.name}.{name}"] = None


def given(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Values) -> Iterator[str]:
    """The coordinates of the input fields and enum values that variables hold."""
    for node in operation.variable_definitions or ():
        if node.variable.name.value in variables:
            yield from _held(get_named_type(type_from_ast(schema, node.type)), variables[node.variable.name.value])


def _held(type_: Any, value: Value) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _held(type_, each)
    elif isinstance(type_, GraphQLInputObjectType) and isinstance(value, dict):
        for name, inside in value.items():
            yield f"{type_.name}.{name}"
            if name in type_.fields:
                yield from _held(get_named_type(type_.fields[name].type), inside)
    elif isinstance(type_, GraphQLEnumType) and isinstance(value, str):
        yield f"{type_.name}.{value}"


def takes_deprecated(type_: GraphQLNamedType) -> bool:
    """Whether a value of an input type can hold something deprecated."""
    return any(True for _ in _below(type_, set()))


def _below(type_: GraphQLNamedType, seen: set[str]) -> Iterator[str]:
    if type_.name in seen:
        return
    seen.add(type_.name)
    yield from (coordinate for coordinate, _ in _of_type(type_))
    for field in type_.fields.values() if isinstance(type_, GraphQLInputObjectType) else ():
        yield from _below(get_named_type(field.type), seen)
