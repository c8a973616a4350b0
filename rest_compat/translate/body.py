"""A request body to an input object, and the faults of an input object back to the body's names."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from graphql import GraphQLEnumType, GraphQLInputField, GraphQLInputObjectType, GraphQLType, is_list_type, is_non_null_type

from rest_compat.deprecations import in_schema
from rest_compat.errors import MOST_ITEMS, ErrorItem, MalformedRequest
from rest_compat.json_values import Json, JsonObject
from rest_compat.notices import header_names
from rest_compat.preferences import Preferences
from rest_compat.protocol import VariableFault
from rest_compat.resources.declaration import Deprecation, Key

from .query import shown
from .shape import enum_texts

Convert = Callable[[Json], Json]

READ_BACK = "updatedAt"
"""A read-only key: a client that sends it sends back the whole object that it read, with a change somewhere in it."""


class Body(NamedTuple):
    """A body, understood: `used` are names as they came, `unknown` by `header_names`; `faults` are what REST itself refuses.

    `whole`: it is the whole object sent back, since it holds `updatedAt`, or every key that can be written.
    """

    input: JsonObject
    used: tuple[str, ...]
    unknown: tuple[str, ...]
    faults: tuple[ErrorItem, ...]
    whole: bool
    preferences: tuple[str, ...]
    """The preferences of `Prefer` that were applied."""


class _Refusal(Exception):
    """What is wrong with a value: each fault with its place below it."""

    def __init__(self, *faults: tuple[tuple[int, ...], str]) -> None:
        super().__init__(faults)
        self.faults = faults


class BodyReader:
    """Reads the bodies of one route, into an input object of `type_`; a key without a field among its own is read-only."""

    def __init__(self, keys: Sequence[Key], type_: GraphQLInputObjectType) -> None:
        fields = type_.fields
        self.writable: dict[str, tuple[Key, GraphQLInputField]] = {
            key.name: (key, fields[key.target]) for key in keys if key.target in fields
        }
        self.read_only = {key.name for key in keys} - self.writable.keys()
        self.deprecated: dict[str, Deprecation | None] = {
            name: key.deprecated or in_schema(f"{type_}.{key.target}", field.deprecation_reason)
            for name, (key, field) in self.writable.items()
        }
        self._names = {key.target: name for name, (key, _) in self.writable.items()}
        self._conversions = {name: (key.target, _conversion(field.type)) for name, (key, field) in self.writable.items()}

    def read(self, body: Json, wanted: Preferences) -> Body:
        """Translate a decoded body. Raises HttpError (400) if it isn't an object; unknown keys are errors only if `strict`."""
        if not isinstance(body, dict):
            raise MalformedRequest("The body must be a JSON object.")
        if wanted.nulls_ignored:
            body = {name: value for name, value in body.items() if value is not None}
        unknown = tuple([name for name in body if name not in self.writable and name not in self.read_only])
        faults = [body_item((name,), "This is not a field of this resource.") for name in unknown] if wanted.strict else []
        found: JsonObject = {}
        used = tuple([name for name in body if name in self.writable])
        for name in used:
            target, convert = self._conversions[name]
            value = body[name]
            try:
                found[target] = value if value is None or convert is None else convert(value)
            except _Refusal as refusal:
                faults += [body_item((name, *below), message) for below, message in refusal.faults]
        whole = READ_BACK in body or len(used) == len(self.writable)
        return Body(found, used, header_names(unknown) if unknown else (), tuple(faults), whole, wanted.applied)

    def items(self, body: Body, faults: Sequence[VariableFault]) -> list[ErrorItem]:
        """All that is wrong with a body: what REST refused, then what GraphQL's types refuse elsewhere in it."""
        own = {item.field.partition(".")[0] for item in body.faults}
        items = [self._item_of(body.input, fault) for fault in faults if fault.path[:1] == ("input",) and len(fault.path) > 1]
        return [*body.faults, *(item for item in items if item.field.partition(".")[0] not in own)]

    def _item_of(self, given: Mapping[str, Json], fault: VariableFault) -> ErrorItem:
        _, field, *below = fault.path
        if field not in given:
            message = "This field is required."
        elif given[str(field)] is None:
            message = "This field may not be null."
        else:
            message = fault.message
        return body_item((self.name(str(field)), *below), message)

    def name(self, field: str) -> str:
        """The REST name of an input field."""
        return self._names.get(field, field)


def path_text(path: Sequence[str | int]) -> str:
    """`contactIds.1`."""
    return ".".join(map(str, path))


def body_item(path: Sequence[str | int], message: str) -> ErrorItem:
    """A fault at a place in the body."""
    return ErrorItem(shown(path_text(path))[1:-1] or '""', "validation_error", message)


def _conversion(type_: GraphQLType) -> Convert | None:
    """Return the function that converts a REST value (not null) to a GraphQL one; None if both are the same.

    GraphQL's own coercion is looser in two places: one value for a list, an integer for an id.
    """
    if is_non_null_type(type_):
        return _conversion(type_.of_type)
    if is_list_type(type_):
        return _items(_conversion(type_.of_type), allows_null=not is_non_null_type(type_.of_type))
    if isinstance(type_, GraphQLEnumType):
        return _enum_name({text: name for name, text in enum_texts(type_).items()})
    return _id if type_.name == "ID" else None  # type: ignore[attr-defined]


def _id(value: Json) -> Json:
    if not isinstance(value, str):
        raise _Refusal(((), "An id is text."))
    return value


def _items(convert: Convert | None, *, allows_null: bool) -> Convert:
    def converted(value: Json) -> Json:
        if not isinstance(value, list):
            raise _Refusal(((), "This must be a list."))
        found: list[Json] = []
        faults: list[tuple[tuple[int, ...], str]] = []
        for index, each in enumerate(value):
            if len(faults) >= MOST_ITEMS:
                break
            if each is None and not allows_null:
                faults.append(((index,), "The value must not be null."))
                continue
            try:
                found.append(each if each is None or convert is None else convert(each))
            except _Refusal as refusal:
                faults += [((index, *below), message) for below, message in refusal.faults]
        if faults:
            raise _Refusal(*faults)
        return found

    return converted


def _enum_name(names: Mapping[str, str]) -> Convert:
    def converted(value: Json) -> Json:
        if isinstance(value, str) and value in names:
            return names[value]
        got = shown(value) if isinstance(value, str) else "no text"
        raise _Refusal(((), f"Got {got}; allowed is one of {', '.join(names)}."))

    return converted
