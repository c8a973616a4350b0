"""Lists of a noun: the filter, the order, the page, and the arguments of each field that returns a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID

from schema.engine.compile.filter_targets import Match, Through
from schema.engine.compile.order import Ordering, column_order
from schema.engine.compile.pages import MAX_TERMS
from schema.engine.compile.sources import SOURCE, ConnectionSource
from schema.engine.libraries.strawberry_graphql import StrawberryAnnotation
from schema.engine.types.fields import Constraint, argument, optional, plain
from schema.values import Made, Object, Value

from .base import Filterable, Orderable, row_of
from .enums import plain_enum
from .members import Argument, Member, list_of, make_input, make_type, named, with_arguments
from .relay import PAGE_ARGUMENTS, Direction, PageInfo, SearchArg
from .types import filter_of

if TYPE_CHECKING:
    from .noun import Noun

_CREATED = "f"
"""The code of the time of creation in cursors, which is the same for all nouns: by default the newest come first."""


@dataclass(slots=True, eq=False)
class Lists:
    """The types that lists of a noun need; `filter` and `order` are None where nothing is declared for them."""

    noun: "Noun"
    filter: Made
    order: Made
    connection: Made
    ordering: Ordering

    def field(self, description: str, source: ConnectionSource, *more: Argument) -> Made:
        """A field that gives a page; below a plain object it may be null."""
        returns = self.connection | None if source.of else self.connection
        return with_arguments(returns, [*self._narrowing(source), *more, *PAGE_ARGUMENTS], description, {SOURCE: source})

    def _narrowing(self, source: ConnectionSource) -> list[Argument]:
        plural = self.noun.plural
        found = []
        if self.filter is not None:
            found.append(Argument("filter", filter_argument(self.filter, f"Only {plural} that match this filter.")))
        if self.order is not None:
            text = f"What the {plural} are ordered by, the most important first; if it is left out, the newest come first."
            found.append(Argument("order_by", Annotated[list_of(self.order) | None, argument(text, Constraint(max_items=MAX_TERMS))]))
        if source.by is None and self.noun.search is not None:
            found.append(Argument("search", SearchArg))
        return found


def filter_argument(filter_: Made, description: str) -> Made:
    """The annotation of an argument that is a filter."""
    return Annotated[filter_ | None, argument(description)]


def make_lists(noun: "Noun") -> Lists:
    """The types of a noun's lists. Conditions on other nouns are put into the filter afterwards, by `link_filters`."""
    return Lists(noun, _filter(noun), _order(noun), _connection(noun), _ordering(noun))


def filterables(noun: "Noun") -> list[Filterable]:
    """Return the filters of a noun's lists: none, or its id and those of the declarations."""
    found = [each for declared in noun.declared for each in declared.filterables()]
    return [Filterable("id", ID, f"The id of the {noun.label}.", Match("id")), *found] if found else []


def orderables(noun: "Noun") -> list[Orderable]:
    """Return the orders of a noun's lists."""
    found = [each for declared in noun.declared for each in declared.orderables(noun.row.__table__)]
    return sorted(found, key=lambda each: each.of_another)


def _ordering(noun: "Noun") -> Ordering:
    table = noun.row.__table__
    sortables = {each.name: each.sortable for each in orderables(noun)}
    return Ordering(table, sortables, sortables.get("CREATED_AT") or column_order(_CREATED, table.c.created_at))


def _filter(noun: "Noun") -> Made:
    fields = filterables(noun)
    if not fields:
        return None
    made = make_input(
        f"{noun.name}Filter", _FILTER.format(noun.a_label), [*_connectives(), *[_condition(noun.name, each) for each in fields]]
    )
    _annotate(made, {"and_": list_of(made) | None, "or_": list_of(made) | None, "not_": made | None})
    return made


def link_filters(noun: "Noun") -> None:
    """Gives the conditions on other nouns their types. Raises TypeError where such a noun has no filter."""
    for each in filterables(noun):
        if isinstance(each.match, Through):
            target = row_of(each.type).__noun__.listing
            if target is None or target.filter is None:
                raise TypeError(f"{noun.name}.{each.name} can't be filtered by {each.type}: no field of it says `filters=True`")
            assert noun.listing is not None
            _annotate(noun.listing.filter, {each.name: target.filter | None})


def _condition(owner: str, each: Filterable) -> Member:
    # A condition on another noun gets its type when all filters are made.
    try:
        type_ = ID if isinstance(each.match, Through) else filter_of(each.type)
    except TypeError as error:
        raise TypeError(f"{owner}.{each.name}: {error}") from None
    return Member(each.name, type_ | None, optional(each.description, name=named(each.name), metadata={"match": each.match}))


def _annotate(made: Made, annotations: Object) -> None:
    for field in made.__strawberry_definition__.fields:
        if field.python_name in annotations:
            field.type_annotation = StrawberryAnnotation(annotations[field.python_name])


_FILTER = (
    "What must hold of {}. All fields and all conditions that are given must hold; a field that is null counts as left "
    "out. A condition that is null, and an object without conditions, are an error (BAD_REQUEST), so that a variable that is null "
    "doesn't show everything. `in: []` and `or: []` match nothing, `and: []` everything; `not` and `notIn` match exactly what is left, "
    "records without a value included. Each object and each list in the filter counts, an `in` of 250 ids as one; there may be at most "
    "100."
)
_CONNECTIVES = {
    "and": "All of these filters match; an empty list matches everything.",
    "or": "At least one of these filters matches; an empty list matches nothing.",
    "not": "This filter does not match, so records without a value do.",
}


def _connectives() -> list[Member]:
    """Their types are the filter itself, which is there afterwards."""
    return [Member(f"{name}_", ID | None, optional(text, name=name)) for name, text in _CONNECTIVES.items()]


def _order(noun: "Noun") -> Made:
    fields = orderables(noun)
    if not fields:
        return None
    values = {each.name: each.description for each in fields}
    enum = plain_enum(f"{noun.name}OrderField", f"What {noun.plural} can be ordered by.", values)
    direction = strawberry.field(description="Whether the smallest or the greatest comes first.", default=Direction.ASC)
    members: Sequence[Member] = (
        Member("field", enum, strawberry.field(description="What the list is ordered by.")),
        Member("direction", Direction, direction),
    )
    return make_input(f"{noun.name}Order", f"A key that a list of {noun.plural} is ordered by.", members)


def _connection(noun: "Noun") -> Made:
    plural, label = noun.plural, noun.label
    row: Value = noun.row
    edge = make_type(
        f"{noun.name}Edge",
        f"{noun.a_label[0].upper()}{noun.a_label[1:]} on a page, with its position in the list.",
        [
            Member("cursor", str, plain("The position in the list, to be given as `after` or `before`.")),
            Member("node", row, plain(f"The {label} at this position of the list.")),
        ],
    )
    count = "How many records match, on all pages together. It is counted only when asked for."
    members = [
        Member("edges", list_of(edge), plain(f"The {plural} of the page, each with its position in the list.")),
        Member("nodes", list_of(row), plain(f"The {plural} of the page, without their positions.")),
        Member("page_info", PageInfo, plain("What comes before and after the page.")),
        Member("total_count", int, plain(count)),
    ]
    if noun.summary is not None:
        text = f"Numbers over all {plural} that match, on all pages together. They are worked out only when asked for."
        members.append(Member("summary", noun.summary[0], plain(text)))
    return make_type(f"{noun.name}Connection", f"A page of a list of {plural}.", members)
