"""Declarations of fields: with their source, or with the limits of an input.

Clients read the limits as `@constraint` in the SDL, and in the descriptions, since introspection has no directives.
"""

import strawberry
from strawberry.schema_directive import Location

from schema.engine.compile.sources import LIMITS, SOURCE, FieldSource
from schema.values import Made, Object, Value


@strawberry.schema_directive(
    locations=[Location.INPUT_FIELD_DEFINITION, Location.ARGUMENT_DEFINITION, Location.SCALAR],
    name="constraint",
    description=(
        "What a value must satisfy beyond its type. Lengths are in characters after trimming, bounds are inclusive, and a pattern is "
        "a regular expression for texts, of ECMA-262 with its flag u."
    ),
)
class Constraint:
    """The limits of an input field or of a scalar's texts. The rules and the SDL read the same object."""

    min_length: int | None = strawberry.directive_field(name="minLength", default=strawberry.UNSET)
    max_length: int | None = strawberry.directive_field(name="maxLength", default=strawberry.UNSET)
    min: int | None = strawberry.directive_field(name="min", default=strawberry.UNSET)
    max: int | None = strawberry.directive_field(name="max", default=strawberry.UNSET)
    min_items: int | None = strawberry.directive_field(name="minItems", default=strawberry.UNSET)
    max_items: int | None = strawberry.directive_field(name="maxItems", default=strawberry.UNSET)
    unique_items: bool | None = strawberry.directive_field(name="uniqueItems", default=strawberry.UNSET)
    format: str | None = strawberry.directive_field(name="format", default=strawberry.UNSET)
    pattern: str | None = strawberry.directive_field(name="pattern", default=strawberry.UNSET)

    def sentences(self) -> list[str]:
        """The limits in words, for a description. `format` is left to the description itself."""
        lengths, items = (self.min_length, self.max_length, " characters"), (self.min_items, self.max_items, " items")
        sentences = [_range(low, high, unit) for low, high, unit in (lengths, (self.min, self.max, ""), items)]
        return [*filter(None, sentences), *(["No item may come twice."] if self.unique_items else [])]


def _range(low: Value, high: Value, unit: str) -> str:
    """Return the range in words; an empty text if there is no bound."""
    if low == 1 == high:
        return f"Exactly one{unit.removesuffix('s')}."
    match isinstance(low, int), isinstance(high, int):
        case True, True:
            return f"From {low} to {high:,}{unit}."
        case True, False:
            return f"At least {low}{unit}."
        case False, True:
            return f"At most {high:,}{unit}."
    return ""


def limited(description: str, limits: Constraint | None) -> str:
    """`description` with its limits in words."""
    return " ".join([description, *(limits.sentences() if limits else [])])


def read_from(source: FieldSource, description: str, **options: Value) -> Made:
    """An output field that the planner reads from `source`."""
    return strawberry.field(description=description, metadata={SOURCE: source}, **options)


def plain(description: str, **options: Value) -> Made:
    """An output field of a plain object, or of a column with the field's own name."""
    return strawberry.field(description=description, **options)


def required(description: str, limits: Constraint | None = None, **options: Value) -> Made:
    """An input field that must be given."""
    return _input(description, limits, options)


def optional(description: str, limits: Constraint | None = None, **options: Value) -> Made:
    """An input field that may be left out, which differs from null."""
    return _input(description, limits, {"default": strawberry.UNSET, **options})


def _input(description: str, limits: Constraint | None, options: Object) -> Made:
    directives = [limits] if limits is not None else []
    return strawberry.field(
        description=limited(description, limits), directives=directives, metadata={LIMITS: limits, **options.pop("metadata", {})}, **options
    )


def argument(description: str, limits: Constraint | None = None) -> Made:
    """The description and limits of an argument, for `Annotated`."""
    return strawberry.argument(description=limited(description, limits), directives=[limits] if limits is not None else [])


class Planned(NotImplementedError):
    """A stored field's resolver was called: the planner reads these, nothing resolves them."""
