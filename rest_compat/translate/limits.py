"""Limits of inputs, as the SDL shows them: `@constraint(minLength: 1, maxLength: 200)` on an input field, an argument or a scalar."""

from graphql import GraphQLNamedType, GraphQLScalarType, InputValueDefinitionNode, ScalarTypeDefinitionNode, value_from_ast_untyped

from rest_compat.json_values import JsonObject

DIRECTIVE = "constraint"


def limits(node: InputValueDefinitionNode | ScalarTypeDefinitionNode | None) -> JsonObject:
    """All of them, by their names in the directive."""
    found = [directive for directive in (node.directives or () if node else ()) if directive.name.value == DIRECTIVE]
    return {argument.name.value: value_from_ast_untyped(argument.value) for directive in found for argument in directive.arguments or ()}


def limit_of(node: InputValueDefinitionNode | None, name: str) -> int | None:
    """One of them, or None."""
    found = limits(node).get(name)
    return found if isinstance(found, int) else None


def pattern_of(type_: GraphQLNamedType) -> str | None:
    """The pattern of a scalar's texts, anchored at both ends."""
    pattern = limits(type_.ast_node).get("pattern") if isinstance(type_, GraphQLScalarType) else None
    return pattern if isinstance(pattern, str) else None
