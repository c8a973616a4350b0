"""What can be followed."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from ..plan.sources import ToOne
from .enums import EventType
from .fields import Planned, argument, plain, read_from
from .filters import OpportunityFilter
from .records import Actor, Opportunity, User, actor
from .scalars import DateTime


@strawberry.type(description="What happened to a deal.")
class OpportunityEvent:
    """What happened to a deal."""

    cursor: str = plain("Opaque position; pass the last one seen as `since`.")
    type: EventType = plain("What happened.")
    opportunity_id: ID = plain("The deal's id.")
    opportunity: Opportunity | None = read_from(ToOne("Opportunity", "recordId"), "As it is now; null when deleted.")
    changed_fields: list[str] = plain("The names of the fields that changed.")
    at: DateTime = plain("When.")
    by: User | None = read_from(ToOne("User", "byId"), "Who did it; null for an API key.")
    actor: Actor | None = actor("byId", "byKeyId")


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description=(
            "Events after commit, in commit order, of the viewer's workspace only, from every gateway process. `since` resumes without a "
            "gap. A filter matches the state after the change; what leaves the filter is told once more; what leaves the sight of a "
            "limited viewer is told as DELETED."
        )
    )
    async def opportunity_changed(
        self,
        filter: Annotated[OpportunityFilter | None, argument("What must hold after the change.")] = UNSET,
        since: Annotated[str | None, argument("The cursor of the last event seen.")] = UNSET,
    ) -> AsyncIterator[OpportunityEvent]:
        """Events of deals."""
        raise Planned
        yield
