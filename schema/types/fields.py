"""How fields are declared: with their source, or with the limits of an input, which clients read as `@constraint` in the SDL."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from ..plan.sources import FOR_ADMINS, SOURCE, Source

LIMITS = "limits"
"""The key of an input field's metadata that holds its limits."""


@strawberry.schema_directive(
    locations=[Location.INPUT_FIELD_DEFINITION, Location.ARGUMENT_DEFINITION, Location.SCALAR],
    name="constraint",
    description=(
        "What a value must satisfy beyond its type: lengths in characters after trimming, bounds inclusive, and for texts a pattern "
        "(ECMA-262 with its flag u)."
    ),
)
class Constraint:
    """The limits of an input field or of a scalar's texts. The rules and the SDL read the same object."""

    min_length: int | None = strawberry.directive_field(name="minLength", default=strawberry.UNSET)
    max_length: int | None = strawberry.directive_field(name="maxLength", default=strawberry.UNSET)
    min: int | None = strawberry.directive_field(name="min", default=strawberry.UNSET)
    max: int | None = strawberry.directive_field(name="max", default=strawberry.UNSET)
    max_items: int | None = strawberry.directive_field(name="maxItems", default=strawberry.UNSET)
    unique_items: bool | None = strawberry.directive_field(name="uniqueItems", default=strawberry.UNSET)
    format: str | None = strawberry.directive_field(name="format", default=strawberry.UNSET)
    pattern: str | None = strawberry.directive_field(name="pattern", default=strawberry.UNSET)


def read_from(source: Source, description: str, **options: Any) -> Any:
    """An output field that the planner reads from `source`."""
    return strawberry.field(description=description, metadata={SOURCE: source}, **options)


def for_admins(description: str, source: Source | None = None) -> Any:
    """An output field that everybody but an admin reads as null, so its type must be nullable."""
    return strawberry.field(
        description=f"{description} Null for callers who are not admins.",
        metadata={FOR_ADMINS: True, **({} if source is None else {SOURCE: source})},
    )


def resolved(source: Source | None, description: str) -> Callable[[Callable[..., Any]], Any]:
    """A field with arguments, declared by a method's signature, that the planner reads from `source`."""
    decorator: Callable[[Callable[..., Any]], Any] = strawberry.field(
        description=description, metadata={} if source is None else {SOURCE: source}
    )
    return decorator


def plain(description: str, **options: Any) -> Any:
    """An output field of a plain object, or of a column with the field's own name."""
    return strawberry.field(description=description, **options)


def required(description: str, limits: Constraint | None = None, **options: Any) -> Any:
    """An input field that must be given."""
    return _input(description, limits, options)


def optional(description: str, limits: Constraint | None = None, **options: Any) -> Any:
    """An input field that may be left out, which differs from null."""
    return _input(description, limits, {"default": strawberry.UNSET, **options})


def _input(description: str, limits: Constraint | None, options: dict[str, Any]) -> Any:
    directives = [limits] if limits is not None else []
    return strawberry.field(
        description=description, directives=directives, metadata={LIMITS: limits, **options.pop("metadata", {})}, **options
    )


def argument(description: str, limits: Constraint | None = None) -> Any:
    """The description and limits of an argument, for `Annotated`."""
    return strawberry.argument(description=description, directives=[limits] if limits is not None else [])


class Planned(NotImplementedError):
    """A stored field's resolver was called: the planner reads these, nothing resolves them."""
