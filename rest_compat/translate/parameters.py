"""The parameters of a list, resolved against the schema: where each leads in the variables, and what its text may be."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLScalarType,
    get_named_type,
)

from rest_compat.deprecations import in_schema
from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import GraphBackend
from rest_compat.resources.declaration import DeclarationError, Deprecation, Parameter

from .documents import Document
from .limits import limit_of, pattern_of
from .parameter_types import (
    LONGEST_LIST,
    LONGEST_TEXT,
    NUMBER,
    SCALAR_SCHEMAS,
    ParameterType,
    amount,
    choice,
    day,
    identifier,
    list_of,
    search,
)
from .query import ORDERING, ParameterReader
from .shape import enum_texts

Inputs: TypeAlias = Mapping[str, GraphQLArgument | GraphQLInputField]
"""The places in the schema that lead to a parameter's own, by their coordinates: `OpportunityFilter.value`, `MoneyFilter.gte`."""

ORDER = "orderBy"
"""The variable that `ordering` leads to."""
INT_LIMIT = 2**31
"""Int of GraphQL has 32 bits (specification, section 3.5.1)."""

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_BOUNDS = {"gt": ROUND_FLOOR, "lte": ROUND_FLOOR, "gte": ROUND_CEILING, "lt": ROUND_CEILING}
"""The rounding of a bound between two cents, by operator, so that it selects the same amounts."""
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def declared(graph: GraphBackend, document: Document, parameter: Parameter) -> ParameterReader:
    """Follow a parameter's place through the input types. Raises DeclarationError where it leads nowhere."""
    place = tuple(parameter.to.split("."))
    way, end = _followed(document, parameter.name, place)
    last = way[next(reversed(list(way)))]
    try:
        kind, several = _read_as(end, place[-1] if len(place) > 1 else "eq", last, graph)
    except TypeError as error:
        raise DeclarationError(f"{parameter.name}: {error}") from None
    coordinates = tuple(way)[1:] or tuple(way)
    return ParameterReader(parameter.name, kind, place, any_of=several, coordinates=coordinates, deprecated=_deprecated(parameter, way))


def _followed(document: Document, name: str, place: tuple[str, ...]) -> tuple[Inputs, GraphQLNamedType]:
    root, *steps = place
    if root not in document.variables:
        raise DeclarationError(f"{name}: {document.name} has no variable ${root}")
    type_: GraphQLNamedType = get_named_type(document.variables[root])
    way: dict[str, GraphQLArgument | GraphQLInputField] = dict([document.argument(root)])
    for step in steps:
        if not isinstance(type_, GraphQLInputObjectType) or step not in type_.fields:
            raise DeclarationError(f"{name}: there is no {step} in {type_.name}")
        way[f"{type_.name}.{step}"] = type_.fields[step]
        type_ = get_named_type(type_.fields[step].type)
    return way, type_


def _read_as(
    type_: GraphQLNamedType, operator: str, last: GraphQLArgument | GraphQLInputField, graph: GraphBackend
) -> tuple[ParameterType, bool]:
    """Return the parser of the text, and whether it is a list that means "any of": where it leads to the operators `eq` and `in`."""
    if isinstance(type_, GraphQLInputObjectType) and {"eq", "in"} <= type_.fields.keys():
        item: GraphQLNamedType = get_named_type(type_.fields["eq"].type)
        return list_of(parameter_type(item, "eq", None, graph.check_scalar)), True
    return parameter_type(type_, operator, limit_of(last.ast_node, "maxLength"), graph.check_scalar), False


def _deprecated(parameter: Parameter, way: Inputs) -> Deprecation | None:
    """Return the deprecation as declared, or as the schema has it on the way to the variable."""
    found = (in_schema(coordinate, one.deprecation_reason) for coordinate, one in way.items())
    return parameter.deprecated or next(filter(None, [*found]), None)


def ordering(document: Document) -> list[ParameterReader]:
    """`ordering`, where the list has a variable for it; its names are those of the enum, as keys are written: `closeDate`."""
    order = get_named_type(document.variables.get(ORDER))
    if not isinstance(order, GraphQLInputObjectType):
        return []
    fields = get_named_type(order.fields["field"].type)
    assert isinstance(fields, GraphQLEnumType)
    values = {
        sign + camel(name): {"field": name, "direction": direction}
        for sign, direction in (("", "ASC"), ("-", "DESC"))
        for name in fields.values
    }
    coordinate, argument = document.argument(ORDER)
    longest = limit_of(argument.ast_node, "maxItems") or LONGEST_LIST
    # As in SQL: a later term by the same key decides nothing.
    kind = list_of(choice(values), key=lambda term: term["field"], longest=longest)
    return [ParameterReader(ORDERING, kind, (ORDER,), coordinates=(coordinate,))]


def camel(name: str) -> str:
    """A name of an enum as fields are named: `closeDate` for `CLOSE_DATE`."""
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError
    return float(text.replace(" ", "+"))


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError
    return _TRUTHS[text.lower()]


def _instant(text: str) -> str:
    """`+` is a blank in a query string, where a client hasn't encoded it."""
    return text[:-6] + "+" + text[-5:] if text[-6:-5] == " " else text


_SCALARS: Mapping[str, tuple[str, JsonObject, Callable[[str], Json]]] = {
    "Int": (f"an integer from -{INT_LIMIT} to {INT_LIMIT - 1}", {"minimum": -INT_LIMIT, "maximum": INT_LIMIT - 1}, _integer),
    "Float": ("a number", {}, _number),
    "Boolean": ("true or false", {}, _truth),
    "DateTime": ("an instant with a time zone (2025-04-30T12:00:00Z)", {}, _instant),
}


def _scalar(name: str, check: Callable[[str, Json], None]) -> ParameterType:
    """A value of a scalar that only the graph knows how to read: its parser is asked for what is made of the text."""
    allowed, more, convert = _SCALARS.get(name) or (f"a {name}", {"type": "string"}, str)

    def read(text: str) -> Json:
        value = convert(text)
        check(name, value)
        return value

    return ParameterType(allowed, {**SCALAR_SCHEMAS.get(name, {}), **more}, read)


def parameter_type(type_: GraphQLNamedType, operator: str, longest: int | None, check: Callable[[str, Json], None]) -> ParameterType:
    """Return the type of a parameter that becomes a value of a GraphQL type, compared by `operator` (`gte`, `lte`, …).

    `check` asks the graph whether a scalar takes a value. Raises TypeError for a type that no text can be a value of.
    """
    if isinstance(type_, GraphQLEnumType):
        return choice({text: name for name, text in enum_texts(type_).items()})
    match type_.name:
        case "ID":
            return identifier()
        case "Date":
            return day(pattern_of(type_) or "")
        case "Money":
            return amount(_BOUNDS.get(operator))
        case "String":
            return search(longest or LONGEST_TEXT)
    if isinstance(type_, GraphQLScalarType):
        return _scalar(type_.name, check)
    raise TypeError(f"no parameter can be {type_.name}: it has to be a scalar, an enum, or a filter with `eq` and `in`")
