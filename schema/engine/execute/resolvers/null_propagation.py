"""Failures in an answer that was written by a plan: null in their place, and an error with its path (specification section 6.4.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLOutputType, GraphQLSchema, get_named_type, get_nullable_type

from schema.engine.document.selections import Selected, Selections
from schema.engine.execute.response_errors import response_error, told
from schema.values import Object, Value

ResponsePath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field of an operation: the schema, the root type, the selected field, and the selections below it."""

    schema: GraphQLSchema
    root: GraphQLObjectType
    selected: Selected
    selections: Selections


def propagate_nulls(data: Object, answered: RootField, logged: int) -> list[Object]:
    """Puts null where exceptions stand in `data`, or where the types say that null goes instead; answers their errors, and logs so many."""
    errors: list[Object] = []
    for path, failure in [*_failures(data, ())]:
        nullable, selected = _place(answered, path)
        if _put_null(data, path[:nullable]):
            errors.append(response_error(failure, selected, list(path), log=len(errors) < logged))
    return told(errors, len(errors))


def _failures(value: Value, path: ResponsePath) -> Iterator[tuple[ResponsePath, Exception]]:
    if isinstance(value, Exception):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _failures(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _failures(item, (*path, place))


def _place(answered: RootField, path: ResponsePath) -> tuple[int, Selected]:
    """Return the length of the path to the nearest nullable position, and the field that the path ends in."""
    selected, nullable = answered.selected, 1
    type_: GraphQLOutputType = answered.root.fields[selected.name].type
    for depth, step in enumerate(path[1:], 2):
        inner: Any = get_nullable_type(type_)
        if isinstance(step, int):
            type_ = inner.of_type
        else:
            selected, type_ = _field(answered, inner, selected, step)
        if not isinstance(type_, GraphQLNonNull):
            nullable = depth
    return nullable, selected


def _field(answered: RootField, type_: Any, above: Selected, key: str) -> tuple[Selected, GraphQLOutputType]:
    """The field with this response key. Of a union's types any will do: fields of one key are nullable alike (section 5.3.2)."""
    named = get_named_type(type_)
    for owner in [named] if isinstance(named, GraphQLObjectType) else answered.schema.get_possible_types(named):
        for selected in answered.selections.below(above, owner):
            if selected.key == key and selected.name in owner.fields:
                return selected, owner.fields[selected.name].type
    raise LookupError(f"{key!r} was not asked of {named}")


def _put_null(data: Value, path: ResponsePath) -> bool:
    """Put null at a path; return False if there is null above already, whose own error was reported."""
    *above, last = path
    for step in above:
        data = data[step]
        if data is None:
            return False
    data[last] = None
    return True


def null_fault(coordinate: str) -> Exception:
    """The error of a field that rules null out and answered it, as graphql-core words it."""
    return TypeError(f"Cannot return null for non-nullable field {coordinate}.")
