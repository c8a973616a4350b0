"""A read-only resource of REST over deals, as a team would add it: list and get, keys and parameters of Int, Float, Boolean, DateTime."""

from datetime import date
from pathlib import Path

import strawberry

from rest_compat.resources.declaration import Deprecation, Key, Parameter, Resource
from schema.extensions import Extension
from schema.nouns.all import Opportunity

extension = Extension(__name__)


@extension.field(Opportunity, "How likely it is, from 0 to 1; never less than `floor`.", needs=("probability",))
def chance(deal: strawberry.Parent[Opportunity], *, floor: float = 0.0) -> float:
    return max(deal.probability / 100, floor)


@extension.field(Opportunity, "Whether it is as good as won: from 90 percent on, and if `cautious` only at 100.", needs=("probability",))
def sure(deal: strawberry.Parent[Opportunity], *, cautious: bool = False) -> bool:
    return deal.probability >= (100 if cautious else 90)


LIKELY = Resource(
    name="likely-deals",
    one="a likely deal",
    type="Opportunity",
    schema="LikelyDeal",
    folder=Path(__file__).parent,
    actions=("list", "get"),
    keys=(
        Key(name="id", example="opp_01JZ8Q5W9T6D3M2K7R4X1B0CVA"),
        Key(name="name", example="Big"),
        Key(name="probability", example=40),
        Key(name="chance", example=0.4),
        Key(name="sure", example=False),
        Key(name="createdAt", example="2025-03-01T12:00:00Z"),
    ),
    parameters=(
        Parameter(name="probabilityMin", to="filter.probability.gte", description="Only deals at least so likely, in percent.", example=40),
        Parameter(name="createdAfter", to="filter.createdAt.gt", description="Only deals made later.", example="2025-03-01T12:00:00Z"),
        Parameter(name="open", to="filter.closedDate.isNull", description="Only open deals, or only closed ones.", example=True),
        Parameter(
            name="floor",
            to="floor",
            description="The least chance that is shown.",
            example=0.1,
            deprecated=Deprecation(since=date(2026, 1, 1)),
        ),
        Parameter(name="cautious", to="cautious", description="Whether only certain deals are sure.", example=True),
    ),
)
extension.rest(LIKELY)
