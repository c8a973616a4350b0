"""Media types: what of what a client takes we offer, and what a body says it is. Accept is read in `rest_compat/accept.py`, for all."""

from typing import Final, Literal, NamedTuple

from rest_compat import accept as accepting
from rest_compat.accept import Ranges, names, quality, read_accept, remembered

GRAPHQL: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
HTML: Final = "text/html"

Offer = Literal["application/graphql-response+json", "application/json"]


def _ranges(accept: bytes | None) -> Ranges:
    return read_accept(accept.decode("latin-1")) if accept else {}


def offer(accept: bytes | None) -> Offer | None:
    """The type to answer a GraphQL request in; None if the client takes neither.

    GraphQL over HTTP, "Body": without a wish, or with only wildcards, legacy `application/json`.
    """
    accepted = _ranges(accept)
    if not accepted:
        return JSON
    modern, legacy = accepted.get(GRAPHQL, 0.0), quality(accepted, JSON)
    if not modern and not legacy:
        return None
    return GRAPHQL if modern >= legacy else JSON


class Wanted(NamedTuple):
    """What a client of `/graphql` takes, by its Accept header."""

    offer: Offer | None
    events: bool
    """Only a stream of events will do: clients that list a JSON type too get JSON (urql always lists both)."""
    page: bool
    """A browser navigates here: HTML is named and no JSON type is."""


@remembered
def wanted(accept: bytes | None) -> Wanted:
    """All that is read from an Accept header of `/graphql`, in one look-up."""
    accepted, offered = _ranges(accept), offer(accept)
    page = names(accepted, HTML) and not names(accepted, JSON) and not names(accepted, GRAPHQL)
    return Wanted(offered, names(accepted, EVENTS) and offered is None, page)


def wants_problem(accept: bytes | None) -> bool:
    """Whether errors go out as `application/problem+json` (RFC 9457)."""
    return accepting.wants_problem(_ranges(accept))


@remembered
def is_json(content_type: bytes | None) -> bool:
    """Whether a body is `application/json` in UTF-8, which is what is assumed when no charset is given."""
    name, *parameters = (piece.strip() for piece in (content_type or b"").decode("latin-1").lower().split(";"))
    charsets = [value.strip().strip('"') for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "charset"]
    return name == JSON and all(charset in {"utf-8", "utf8"} for charset in charsets)
