"""A field's arguments, read as cheaply as their form allows: constants once, variables by name, the rest by graphql-core."""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    Node,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_non_null_type,
)
from graphql.utilities import coerce_input_literal

from schema.engine.document.input_faults import without_python
from schema.engine.libraries.graphql_core import VariableValues, get_argument_values
from schema.engine.libraries.strawberry_graphql import declared
from schema.rules.errors import BadRequest
from schema.values import Object, Value

Arguments = Callable[[VariableValues], Object]

ReadArgument = Callable[[Object], Value]
"""Gets a value from the coerced variables; Undefined where it is absent."""


def read_arguments(definition: GraphQLField, node: FieldNode) -> Arguments:
    """Return a function from an operation's coerced variables to a field's coerced arguments (specification section 6.4.1)."""
    values = {argument.name.value: argument.value for argument in node.arguments or ()}
    varying = {name: value for name, value in values.items() if _mentions_variable(value)}
    if not varying:
        constant = get_argument_values(definition, node)
        return lambda _: constant
    readers = {name: _reader(value, definition.args[name].type) for name, value in varying.items()}
    if None in readers.values():
        return lambda variables: _coerced(definition, node, variables)
    fixed = _fixed(definition, node, varying)
    return _by_name(fixed, [(name, reader, definition.args[name]) for name, reader in readers.items() if reader is not None])


def variable_of(node: FieldNode, name: str) -> str:
    """Return the name of the variable that is an argument's value; an empty text for other values."""
    found = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
    return found.name.value if isinstance(found, VariableNode) else ""


def bounded(arguments: Arguments, definition: GraphQLField) -> Arguments:
    """The same arguments, of which no list may be longer than the schema declares (`@constraint(maxItems:)`): raises BadRequest."""
    longest = {name: most for name, argument in definition.args.items() if (most := _max_items(argument)) is not None}
    if not longest:
        return arguments

    def read(given: VariableValues) -> Object:
        found = arguments(given)
        for name, most in longest.items():
            length = len(found.get(name) or ())
            if length > most:
                raise BadRequest(f"`{name}` has {length} items; it may have {most}.")
        return found

    return read


def _max_items(argument: GraphQLArgument) -> int | None:
    found = (getattr(directive, "max_items", None) for directive in declared(argument).directives)
    return next((most for most in found if isinstance(most, int)), None)


def _reader(node: ValueNode, type_: Any) -> ReadArgument | None:
    """Return a function from variables to the value of a literal that contains variables; None for a form that is left to graphql-core."""
    if isinstance(node, VariableNode):
        variable = node.name.value
        return lambda coerced: coerced.get(variable, Undefined)
    type_ = get_nullable_type(type_)
    if not isinstance(node, ObjectValueNode) or not isinstance(type_, GraphQLInputObjectType):
        return None
    varying = {field.name.value: field.value for field in node.fields if _mentions_variable(field.value)}
    rest = ObjectValueNode(fields=tuple(field for field in node.fields if field.name.value not in varying))
    base = coerce_input_literal(rest, type_)
    readers = {name: _reader(value, type_.fields[name].type) for name, value in varying.items()}
    if base is Undefined or None in readers.values() or any(is_non_null_type(type_.fields[name].type) for name in varying):
        return None
    inner = [(name, reader) for name, reader in readers.items() if reader is not None]

    def read(coerced: Object) -> Value:
        found = dict(base)
        for name, reader in inner:
            value = reader(coerced)
            if value is not Undefined:
                found[name] = value
        return found

    return read


def _coerced(definition: GraphQLField, node: FieldNode, variables: VariableValues) -> Object:
    try:
        return get_argument_values(definition, node, variables)
    except GraphQLError as error:
        raise BadRequest(without_python(error.message)) from error  # graphql-core words it again, with its path


def _fixed(definition: GraphQLField, node: FieldNode, variable_names: Iterable[str]) -> Object:
    rest = GraphQLField(definition.type, {name: argument for name, argument in definition.args.items() if name not in variable_names})
    return get_argument_values(rest, node)


def _by_name(fixed: Object, varying: list[tuple[str, ReadArgument, GraphQLArgument]]) -> Arguments:
    plain = [(name, reader, _default(argument), isinstance(argument.type, GraphQLNonNull)) for name, reader, argument in varying]

    def read(given: VariableValues) -> Object:
        found = dict(fixed)
        coerced = given.coerced
        for name, reader, default, non_null in plain:
            value = reader(coerced)
            if value is Undefined:
                value = default
            if value is None and non_null:
                # graphql-core words this one, with its path; here it only ends the quick way.
                raise BadRequest(f"Argument '{name}' must not be null.")
            if value is not Undefined:
                found[name] = value
        return found

    return read


def _default(argument: GraphQLArgument) -> Value:
    type_: Any = argument.type
    field = GraphQLField(type_, {"it": argument})
    if is_non_null_type(argument.type) and argument.default is None and argument.default_value is Undefined:
        return Undefined
    return get_argument_values(field, FieldNode(name=None, arguments=())).get("it", Undefined)  # type: ignore[arg-type]


def _mentions_variable(value: ValueNode | Node) -> bool:
    if isinstance(value, VariableNode):
        return True
    children: Any = getattr(value, "values", None) or [field.value for field in getattr(value, "fields", None) or ()]
    return any(_mentions_variable(child) for child in children)
