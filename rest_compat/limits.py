"""Limits of inputs, as the SDL shows them: `@constraint(minLength: 1, maxLength: 200)` on an input field or an argument."""

from typing import Any

from graphql import InputValueDefinitionNode, value_from_ast_untyped

DIRECTIVE = "constraint"


def limits(node: InputValueDefinitionNode | None) -> dict[str, Any]:
    """All of them, by their names in the directive."""
    found = [directive for directive in (node.directives or () if node else ()) if directive.name.value == DIRECTIVE]
    return {argument.name.value: value_from_ast_untyped(argument.value) for directive in found for argument in directive.arguments or ()}


def limit_of(node: InputValueDefinitionNode | None, name: str) -> int | None:
    """One of them, or None."""
    found = limits(node).get(name)
    return found if isinstance(found, int) else None
