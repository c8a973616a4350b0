"""Types that are made of the nouns, under the names by which annotations call them."""

from .all import Opportunity

OpportunityPayload = Opportunity.__noun__.payload
