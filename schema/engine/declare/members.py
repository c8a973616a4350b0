"""The members of types and inputs that are made, and the making of them by Strawberry's public means."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import new_class

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema.engine.types.fields import Planned
from schema.values import Made, Object, Value, Values


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a type or an input: its name in Python, its annotation, its Strawberry field.

    The annotation is None where the signature of a method says it.
    """

    name: str
    annotation: Made
    field: Made


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: its name in Python, its annotation, its default (UNSET where it may be left out)."""

    name: str
    annotation: Made
    default: Value = strawberry.UNSET


def graph_name(name: str) -> str:
    """The name in the graph of a member: one that is a word of Python has an underscore after it there."""
    return to_camel_case(name.removesuffix("_"))


def named(name: str) -> str | None:
    """The name of a member that Strawberry must be given; None if it derives that itself."""
    return graph_name(name) if name.endswith("_") else None


def make_type(name: str, description: str, members: Iterable[Member], bases: tuple[type, ...] = (), **attributes: Value) -> Made:
    """A Strawberry type of these members."""
    return strawberry.type(_class(name, members, bases, attributes), name=name, description=description)


def make_input(name: str, description: str, members: Iterable[Member]) -> Made:
    """A Strawberry input of these members."""
    return strawberry.input(_class(name, members, (), {}), name=name, description=description)


def _class(name: str, members: Iterable[Member], bases: tuple[type, ...], attributes: Values) -> Made:
    listed = list(members)

    def fill(namespace: Object) -> None:
        namespace["__module__"] = __name__
        namespace["__annotations__"] = {member.name: member.annotation for member in listed if member.annotation is not None}
        namespace.update({member.name: member.field for member in listed}, **attributes)

    return new_class(name, bases, exec_body=fill)


def with_arguments(returns: Made, arguments: Sequence[Argument], description: str, metadata: Values) -> Made:
    """A Strawberry field with arguments, which a plan reads: nothing resolves it."""

    def resolve(self: Made, **_: object) -> Made:  # noqa: ARG001  Strawberry looks for this name
        raise Planned

    return strawberry.field(resolver=signed(resolve, returns, arguments), description=description, metadata=dict(metadata))


def signed(resolve: Made, returns: Made, arguments: Sequence[Argument]) -> Made:
    """A function, with the signature that Strawberry reads a field's from."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    given = [inspect.Parameter(each.name, keyword, default=each.default, annotation=each.annotation) for each in arguments]
    # A required argument may come after one that isn't, as they are all given by name.
    resolve.__signature__ = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *given], return_annotation=returns
    )
    return resolve


def list_of(type_: Made) -> Made:
    """The annotation of a list."""
    return list[type_]


REQUIRED = inspect.Parameter.empty
"""The default of an argument that must be given."""
