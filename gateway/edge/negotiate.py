"""Media types: what of what a client takes we offer, and what a body says it is. Accept is read once, for all doors."""

from typing import Final, Literal, NamedTuple

from rest_compat.errors import JSON, PROBLEM
from rest_compat.headers import CHARSETS
from rest_compat.parse_cache import cached_parser

from .accept import Ranges, names, quality, read_accept

GRAPHQL: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"
HTML: Final = "text/html"

Offer = Literal["application/graphql-response+json", "application/json"]


def _offer(accepted: Ranges) -> Offer | None:
    """The type to answer a GraphQL request in; None if the client takes neither.

    GraphQL over HTTP, "Body": without a wish, or with only wildcards, legacy `application/json`.
    """
    if not accepted:
        return "application/json"
    modern, legacy = accepted.get(GRAPHQL, 0.0), quality(accepted, JSON)
    if not modern and not legacy:
        return None
    return "application/graphql-response+json" if modern >= legacy else "application/json"


class AcceptedTypes(NamedTuple):
    """The media types that a client accepts, by its Accept header."""

    offer: Offer | None
    """The type of a GraphQL answer; None where it takes neither."""
    events: bool
    """Only a stream of events will do: clients that list a JSON type too get JSON (urql always lists both)."""
    page: bool
    """A browser navigates here: HTML is named and no JSON type is."""
    json: bool
    """Whether JSON isn't excluded. A client that names only problem details wants errors so, and everything else as JSON."""
    problem: bool
    """Errors as problem details (RFC 9457): they are named, since everybody takes `*/*`."""


@cached_parser
def accepted_types(accept: bytes | None) -> AcceptedTypes:
    """All that is read from an Accept header, in one look-up."""
    accepted = read_accept(accept.decode("latin-1")) if accept else {}
    offered, problem = _offer(accepted), names(accepted, PROBLEM)
    page = names(accepted, HTML) and not names(accepted, JSON) and not names(accepted, GRAPHQL)
    json = not accepted or quality(accepted, JSON) > 0 or problem
    return AcceptedTypes(offered, names(accepted, EVENTS) and offered is None, page, json, problem)


@cached_parser
def is_json(content_type: bytes | None) -> bool:
    """Whether a body is `application/json` in UTF-8, which is what is assumed when no charset is given."""
    name, *parameters = (piece.strip() for piece in (content_type or b"").decode("latin-1").lower().split(";"))
    charsets = [value.strip().strip('"') for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "charset"]
    return name == JSON and CHARSETS.issuperset(charsets)
