"""Media types: what a client takes (RFC 9110 section 12.5.1), what of that we offer, and what a body says it is."""

from functools import lru_cache
from typing import Final, Literal

GRAPHQL: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
HTML: Final = "text/html"

Offer = Literal["application/graphql-response+json", "application/json"]


@lru_cache(512)
def ranges(accept: bytes) -> dict[str, float]:
    """The media ranges of an Accept header with their weights, in the header's order; malformed ones are left out."""
    found: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if "/" in name:
            found[name] = _weight(parameters)
    return found


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _quality(accepted: dict[str, float], media: str) -> float:
    """The weight of the most specific range that covers `media`."""
    return next((accepted[name] for name in (media, media.partition("/")[0] + "/*", "*/*") if name in accepted), 0.0)


@lru_cache(512)
def offer(accept: bytes | None) -> Offer | None:
    """The type to answer a GraphQL request in; None if the client takes neither.

    GraphQL over HTTP, "Body": without a wish, or with only wildcards, legacy `application/json`.
    """
    accepted = ranges(accept) if accept else {}
    if not accepted:
        return JSON
    modern, legacy = _quality(accepted, GRAPHQL) if GRAPHQL in accepted else 0.0, _quality(accepted, JSON)
    if not modern and not legacy:
        return None
    return GRAPHQL if modern >= legacy else JSON


@lru_cache(512)
def wants_events(accept: bytes | None) -> bool:
    """Whether only a stream of events will do: clients that list a JSON type too get JSON (urql always lists both)."""
    accepted = ranges(accept) if accept else {}
    return _quality(accepted, EVENTS) > 0 and EVENTS in accepted and offer(accept) is None


@lru_cache(512)
def wants_page(accept: bytes | None) -> bool:
    """Whether a browser navigates here: HTML is named and no JSON type is."""
    accepted = ranges(accept) if accept else {}
    return accepted.get(HTML, 0.0) > 0 and JSON not in accepted and GRAPHQL not in accepted


@lru_cache(512)
def wants_problem(accept: bytes | None) -> bool:
    """Whether errors go out as `application/problem+json` (RFC 9457)."""
    return bool(accept) and "application/problem+json" in ranges(accept or b"")


@lru_cache(512)
def is_json(content_type: bytes | None) -> bool:
    """Whether a body is `application/json` in UTF-8, which is what is assumed when no charset is given."""
    name, *parameters = (piece.strip() for piece in (content_type or b"").decode("latin-1").lower().split(";"))
    charsets = [value.strip().strip('"') for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "charset"]
    return name == JSON and all(charset in {"utf-8", "utf8"} for charset in charsets)
