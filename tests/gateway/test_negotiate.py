"""Content negotiation: what a client accepts, what a body is."""

import pytest

from gateway.edge.negotiate import GRAPHQL, JSON, accepted_types, is_json

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
URQL = b"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/*", JSON),
        (b"application/json", JSON),
        (b"Application/JSON; charset=utf-8", JSON),
        (b"application/graphql-response+json", GRAPHQL),
        (b"application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        (b"application/json, application/graphql-response+json;q=0.9", JSON),
        (b"application/graphql-response+json;q=0, application/json", JSON),
        (URQL, GRAPHQL),
        (BROWSER, JSON),
        (b"text/plain", None),
        (b"text/event-stream", None),
        (b"application/json;q=0", None),
        (b"application/json;q=x", None),
    ],
)
def test_offer(accept: bytes | None, media: str | None) -> None:
    """The type with the highest weight; legacy JSON when the client has no wish; nothing when it takes neither."""
    assert accepted_types(accept).offer == media


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        (b"text/event-stream", True),
        (URQL, False),
        (b"text/event-stream, */*", False),
        (b"*/*", False),
        (None, False),
        (b"text/event-stream;q=0", False),
    ],
)
def test_events_only_when_nothing_else_will_do(accept: bytes | None, *, events: bool) -> None:
    """A client that lists a JSON type beside text/event-stream, as urql does for plain queries, gets JSON."""
    assert accepted_types(accept).events is events


def test_pages_are_for_browsers() -> None:
    """HTML is sent to who names it, and not to clients that name JSON too."""
    assert accepted_types(BROWSER).page
    assert not accepted_types(b"*/*").page
    assert not accepted_types(b"application/json, text/html").page


def test_problem_details_on_request() -> None:
    """RFC 9457's type is sent to who names it."""
    assert accepted_types(b"application/problem+json, */*").problem
    assert not accepted_types(b"*/*").problem


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        (b"application/json", True),
        (b"application/json; charset=utf-8", True),
        (b'APPLICATION/JSON;charset="UTF-8"', True),
        (b"application/json; charset=us-ascii", True),
        (b"application/json; charset=iso-8859-1", False),
        (b"text/plain", False),
        (b"application/x-www-form-urlencoded", False),
        (b"multipart/form-data; boundary=x", False),
        (b"application/graphql", False),
        (None, False),
    ],
)
def test_bodies_are_json_in_utf8(content_type: bytes | None, *, json: bool) -> None:
    """The types that an HTML form can send are refused: so no page of another origin can post without a preflight."""
    assert is_json(content_type) is json
