"""Errors of JSON values against GraphQL input types, in plain words, each with its path (specification section 3.10, "Input Coercion")."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ValuesOfCorrectTypeRule,
    is_required_input_field,
    print_ast,
)
from typing_extensions import override

from schema.rules.text import shortened, shown
from schema.values import Value

from .variables import MAX_ITEMS, TooManyItems

InputPath = tuple[str | int, ...]

CoercionError = tuple[InputPath, str]
"""The path in the value, and a sentence that says what is wrong there and what is allowed."""

_TAKEN = {
    "Int": "a whole number from -2147483648 to 2147483647",
    "Float": "a number",
    "String": "a text",
    "Boolean": "true or false",
    "ID": "an id, which is a text",
}
"""The values that GraphQL's own scalars accept, in plain words: graphql-core words them as a programming language does."""


def faults(value: Value, type_: Any, path: InputPath = ()) -> Iterator[CoercionError]:
    """Every fault of `value` as a `type_`."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
        if value is None:
            yield path, "The value must not be null."
    if value is None:
        return
    if isinstance(type_, GraphQLList | GraphQLInputObjectType) and isinstance(value, list | dict) and len(value) > MAX_ITEMS:
        yield path, str(TooManyItems(len(value)))
    elif isinstance(type_, GraphQLList):
        # A single value counts as a list of one.
        for place, member in enumerate(value if isinstance(value, list) else [value]):
            yield from faults(member, type_.of_type, (*path, place) if isinstance(value, list) else path)
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _of_object(value, type_, path)
    else:
        yield from _of_leaf(value, type_, path)


def _of_object(value: Value, type_: GraphQLInputObjectType, path: InputPath) -> Iterator[CoercionError]:
    if not isinstance(value, Mapping):
        yield path, f"{shown(value)} is not an object of the type {type_.name}."
        return
    for name, field in type_.fields.items():
        if name in value:
            yield from faults(value[name], field.type, (*path, name))
        elif is_required_input_field(field):
            yield (*path, name), "A value is required."
    for name in value:
        if name not in type_.fields:
            yield (*path, name), f"There is no such field in {type_.name}."


def _of_leaf(value: Value, type_: Any, path: InputPath) -> Iterator[CoercionError]:
    try:
        type_.coerce_input_value(value)
    except (GraphQLError, ValueError) as error:
        yield path, _message(value, type_, error)


def _message(value: Value, type_: Any, error: Exception) -> str:
    if isinstance(type_, GraphQLEnumType):
        return f"{shown(value)} is not one of {', '.join(type_.values)}."
    if type_.name == "Int" and type(value) is not int:
        return f"{shown(value)} is not a whole number."
    taken = _TAKEN.get(type_.name)
    return f"{shown(value)} is not {taken}." if taken else str(error)


def path_text(path: InputPath) -> str:
    """`filter.or.0.name`, as a message may hold it."""
    return ".".join(shortened(str(part)) for part in path)


def without_python(message: str) -> str:
    """A message of graphql-core about a value, where null is called null."""
    return message.replace(" to be None.", " to be null.")


class PlainValues(ValuesOfCorrectTypeRule):
    """graphql-core's rule about a document's literals (specification section 5.6.1), without Python's words in what it says."""

    @override
    def report_error(self, error: GraphQLError) -> None:
        # An error of Python's own: it refuses to read integers of thousands of digits.
        scalar = "Int" if error.original_error is not None else error.message.partition(" cannot represent ")[0]
        if scalar in _TAKEN and error.nodes:
            error.message = f"{shortened(print_ast(error.nodes[0]))} is not {_TAKEN[scalar]}."
        error.message = without_python(error.message)
        super().report_error(error)
