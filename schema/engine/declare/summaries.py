"""Numbers over all records that match, for a noun that is grouped and says nothing else of them: how many, and the sums of its amounts."""

from typing import Any

from sqlalchemy import func
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.aggregates import SummarySql, exact_sum, joined
from schema.engine.types.fields import plain
from schema.engine.types.scalars import Money

from .columns import FieldDeclaration
from .members import Member, make_type
from .noun import Noun


def summary_of(noun: Noun) -> tuple[Any, SummarySql]:
    """The type and the SQL of a noun's numbers."""
    amounts = [each for each in noun.declared if isinstance(each, FieldDeclaration) and each.type is Money]
    totals = [
        Member(f"total_{each.member}", Money, plain(f"The sum of `{to_camel_case(each.member)}` of the {noun.plural}.")) for each in amounts
    ]
    count = Member("count", int, plain(f"How many {noun.plural} match."))
    made = make_type(f"{noun.name}Summary", f"Numbers over all {noun.plural} that match a filter.", [count, *totals])
    names = [to_camel_case(each.name) for each in totals]

    def columns(table: Any) -> list[Any]:
        return [func.count(), *[part for each in amounts for part in exact_sum(table.c[each.stored])]]

    def told(row: Any) -> dict[str, Any]:
        sums = zip(row[1::2], row[2::2], strict=True)
        return {"count": row[0], **{name: joined(high, low) for name, (high, low) in zip(names, sums, strict=True)}}

    return made, SummarySql(columns, told, (0, *[None] * (2 * len(names))))
