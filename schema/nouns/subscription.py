"""What can be followed."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from schema.engine.compile.sources import SOURCE, Followed, OneOf, ToOne
from schema.engine.types.fields import Planned, argument, plain, read_from
from schema.engine.types.scalars import DateTime
from schema.nouns.opportunities.enums import EventType
from schema.nouns.users.actor import by_actor, by_user

from .all import Actor, Opportunity, User
from .arguments import FollowedArg

_DID = "made the change"


@strawberry.type(description="A change of an opportunity, told after it was committed.")
class OpportunityEvent:
    """What happened to a deal."""

    cursor: str = plain(
        "The position of the event. A client that comes back gives the last one it has seen as `since`, and misses nothing."
    )
    type: EventType = plain("What happened to the opportunity.")
    opportunity_id: ID = plain("The id of the opportunity that changed. The event itself has no id, since it is no record.")
    opportunity: Opportunity | None = read_from(
        ToOne("Opportunity", "recordId"), "The opportunity as it is now; null if it was deleted, or if the caller may no longer see it."
    )
    changed_fields: list[str] = plain("The names of the fields that changed, as they stand in the inputs.")
    at: DateTime = plain("When the change was made, in UTC.")
    by: User | None = read_from(ToOne("User", "byId"), by_user(_DID))
    actor: Actor | None = read_from(OneOf((ToOne("User", "byId"), ToOne("ApiKey", "byKeyId"))), by_actor(_DID))


@strawberry.type(description="What can be followed as it happens.")
class Subscription:
    """What can be followed."""

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        metadata={SOURCE: Followed("Opportunity", "opportunityId")},
        description=(
            "Follows the opportunities of the workspace: an event for each change, after it was committed, in the order of commits, "
            "whichever process made it. `since` goes on without a gap. The filter is compared with the opportunity after the change, and "
            "one that leaves it is told once more. What a viewer limited to an account may no longer see is told as DELETED."
        ),
    )
    async def opportunity_changed(
        self,
        filter: FollowedArg = UNSET,
        since: Annotated[
            str | None, argument("The cursor of the last event that was seen; if it is left out, events from now on are told.")
        ] = UNSET,
    ) -> AsyncIterator[OpportunityEvent]:
        """Events of deals."""
        raise Planned
        yield
