"""A field's arguments, read as cheaply as their form allows: constants once, plain variables by name, the rest by graphql-core."""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    Node,
    Undefined,
    ValueNode,
    VariableNode,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from ..rules.errors import BadRequest

Arguments = Callable[[VariableValues], dict[str, Any]]


def read_arguments(definition: GraphQLField, node: FieldNode) -> Arguments:
    """How to get the coerced arguments of a field from an operation's coerced variables (specification section 6.4.1)."""
    values = {argument.name.value: argument.value for argument in node.arguments or ()}
    if not any(_mentions_variable(value) for value in values.values()):
        constant = get_argument_values(definition, node)
        return lambda _: constant
    if any(_mentions_variable(value) and not isinstance(value, VariableNode) for value in values.values()):
        return lambda variables: _coerced(definition, node, variables)
    variable_names = {name: value.name.value for name, value in values.items() if isinstance(value, VariableNode)}
    fixed = _fixed(definition, node, variable_names)
    return _by_name(fixed, [(name, variable, definition.args[name]) for name, variable in variable_names.items()])


def _coerced(definition: GraphQLField, node: FieldNode, variables: VariableValues) -> dict[str, Any]:
    try:
        return get_argument_values(definition, node, variables)
    except GraphQLError as error:
        raise BadRequest(error.message) from error  # graphql-core words it again, with its path


def _fixed(definition: GraphQLField, node: FieldNode, variable_names: Iterable[str]) -> dict[str, Any]:
    rest = GraphQLField(definition.type, {name: argument for name, argument in definition.args.items() if name not in variable_names})
    return get_argument_values(rest, node)


def _by_name(fixed: dict[str, Any], variables: list[tuple[str, str, GraphQLArgument]]) -> Arguments:
    plain = [(name, variable, _default(argument), isinstance(argument.type, GraphQLNonNull)) for name, variable, argument in variables]

    def read(given: VariableValues) -> dict[str, Any]:
        found = dict(fixed)
        coerced = given.coerced
        for name, variable, default, non_null in plain:
            value = coerced.get(variable, default)
            if value is None and non_null:
                # graphql-core words this one, with its path; here it only ends the quick way.
                message = f"Argument '{name}' must not be null."
                raise BadRequest(message)
            if value is not Undefined:
                found[name] = value
        return found

    return read


def _default(argument: GraphQLArgument) -> Any:
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
