"""The field that gives sums by group, and the sums, for a noun whose declarations say what its records can be grouped by."""

from typing import Annotated

from sqlalchemy import FromClause, func
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.aggregates import SummarySql, exact_sum, joined
from schema.engine.compile.groups import MAX_GROUPS, GroupColumn, grouped
from schema.engine.compile.sources import SOURCE
from schema.engine.types.fields import Constraint, argument, plain
from schema.engine.types.scalars import Money
from schema.sql_types import Clause
from schema.storage.database import Row
from schema.values import Made, Object, Value

from .columns import FieldDeclaration
from .enums import plain_enum
from .lists import filter_argument, filterables
from .members import REQUIRED, Argument, Member, list_of, make_type, with_arguments
from .noun import Noun


def is_grouped(noun: Noun) -> bool:
    """Whether a noun declares a field that sums can be grouped by. Raises TypeError if it has no filter."""
    found = any(getattr(each, "groups", None) for each in noun.declared)
    if found and not (noun.lists and filterables(noun)):
        raise TypeError(f"{noun.name} can't be grouped: say `lists=True` of it, and `filters=True` of a field.")
    return found


def groups(row: Value) -> Made:
    """The root field `…Groups` of a noun."""
    noun = row.__noun__
    declared = [each for declaration in noun.declared if (each := declaration.group()) is not None]
    names = {each.name: each.description for each in declared}
    enum = plain_enum(f"{noun.name}GroupBy", f"What {noun.plural} can be grouped by.", names)
    summary = Member("summary", noun.summary[0], plain(f"Numbers over the {noun.plural} of the group."))
    made = make_type(
        f"{noun.name}Group",
        f"The {noun.plural} that have something in common, with numbers over them. What they are not grouped by is null.",
        [*[each.member for each in declared], summary],
    )
    source = grouped(noun.name, {each.name: GroupColumn(each.column, each.key, each.refers_to) for each in declared})
    by = argument(f"What the {noun.plural} of a group have in common.", Constraint(min_items=1, max_items=len(names)))
    first = argument("How many groups are told: those with the most records; 100 if it is left out.", Constraint(min=0, max=MAX_GROUPS))
    arguments = [
        Argument("group_by", Annotated[list_of(enum), by], REQUIRED),
        Argument("filter", filter_argument(noun.listing.filter, f"Only {noun.plural} that match this filter.")),
        Argument("first", Annotated[int | None, first]),
    ]
    text = f"Numbers over the {noun.plural} by group, the groups with the most {noun.plural} first. One without a value is a group, too."
    return with_arguments(list_of(made), arguments, text, {SOURCE: source})


def summary_of(noun: Noun) -> tuple[Made, SummarySql]:
    """The type and the SQL of the numbers of a noun that says nothing else of them: how many, and the sums of its amounts.

    Amounts that only admins see are not summed up: the sum of one record is its amount.
    """
    amounts = [each for each in noun.declared if isinstance(each, FieldDeclaration) and each.type is Money and not each.admins]
    totals = [
        Member(f"total_{each.member}", Money, plain(f"The sum of `{to_camel_case(each.member)}` of the {noun.plural}.")) for each in amounts
    ]
    count = Member("count", int, plain(f"How many {noun.plural} match."))
    made = make_type(f"{noun.name}Summary", f"Numbers over all {noun.plural} that match a filter.", [count, *totals])
    names = [to_camel_case(each.name) for each in totals]

    def columns(table: FromClause) -> list[Clause]:
        return [func.count(), *[part for each in amounts for part in exact_sum(table.c[each.stored])]]

    def to_object(row: Row) -> Object:
        sums = zip(row[1::2], row[2::2], strict=True)
        return {"count": row[0], **{name: joined(high, low) for name, (high, low) in zip(names, sums, strict=True)}}

    return made, SummarySql(columns, to_object, (0, *[None] * (2 * len(names))))
