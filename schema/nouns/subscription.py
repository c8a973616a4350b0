"""What can be followed."""

import strawberry

from .all import Opportunity
from .event_types import followed


@strawberry.type(description="What can be followed as it happens.")
class Subscription:
    """What can be followed."""

    opportunity_changed = followed(Opportunity)
