"""Types that are made of the nouns, under the names by which annotations call them."""

from schema.engine.declare.lists import filter_argument

from .all import Opportunity

OpportunityPayload = Opportunity.__noun__.payload

FollowedArg = filter_argument(
    Opportunity.__noun__.lists.filter,
    "Tells only of opportunities that match this filter. It may have no conditions on other records, such as `account`, since an event "
    "keeps only their ids.",
)
