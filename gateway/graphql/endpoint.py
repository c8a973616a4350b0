"""`/graphql` over HTTP: POST and GET, to the letter of the GraphQL over HTTP specification, and QUERY (RFC 10008), a POST that is safe.

A POST must be `application/json`, which a page of another origin can't send without asking first, and a GET runs queries only:
so no cross-site request has an effect (the specification's "Security", CSRF).
"""

from collections.abc import Callable, Mapping
from typing import Final

import orjson
from starlette.types import Receive, Scope, Send

from gateway.edge.negotiate import GRAPHQL, Offer, is_json
from gateway.edge.respond import send_whole
from rest_compat.errors import (
    ALWAYS,
    STATUS,
    Headers,
    HttpResponse,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    insufficient_scope,
)
from schema.engine.document.documents import PreparedOperation, RequestError
from schema.engine.execute.responses import GraphQLResponse
from schema.rules.access import Caller

from .documents import NotPersisted
from .operations import Operations
from .parameters import Parameters, from_body, from_query_string

ALLOW: Final = "GET, HEAD, POST, QUERY"
#: What the body of a QUERY may be (RFC 10008, section 3).
JSON_QUERIES: Final = (b"accept-query", b"application/json")
#: Methods that a client, a proxy or a cache may repeat: they change nothing (RFC 9110, section 9.2.1).
SAFE: Final = frozenset({"GET", "HEAD", "QUERY"})
TYPES: Final[Mapping[Offer, bytes]] = {
    "application/graphql-response+json": b"application/graphql-response+json; charset=utf-8",
    "application/json": b"application/json; charset=utf-8",
}
#: The statuses of operations that were refused before they ran; of codes that aren't here it is 400.
STATUSES: Final = {**STATUS, NotPersisted.CODE: 404}
#: Every answer is the token's own, and its type is the client's choice.
_NONE: Final[Headers] = []
FIXED: Final[Headers] = [(b"cache-control", b"private, no-store"), (b"vary", b"Accept, Authorization")]

#: Called with the caller and headers of each operation that is about to run.
NoteOperation = Callable[[Caller, Mapping[bytes, bytes], PreparedOperation], None]


class GraphQLEndpoint:
    """Runs one operation a request. Faults are raised for the outer layers to answer; what is wrong with the operation is answered here.

    The request's state says which media type its client takes (`offer`), and who asks (`caller`).
    """

    def __init__(self, operations: Operations, note: NoteOperation) -> None:
        self.operations = operations
        self.note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI application takes it
        state = scope["state"]
        media: Offer | None = state["offer"]
        if scope["method"] == "OPTIONS":
            await send_whole(scope, send, HttpResponse(204, [(b"allow", (ALLOW + ", OPTIONS").encode()), JSON_QUERIES], b""))
            return
        if media is None:
            raise NotAcceptable(
                f"Accept names no type that is served: {GRAPHQL}, application/json, or text/event-stream for subscriptions."
            )
        parameters = read_parameters(scope)
        # Decoded: kept until the answer, it would be in memory twice.
        state["body"] = b""
        try:
            prepared = self.operations.known(parameters) or await self.operations.learn(parameters, state["caller"])
        except RequestError as error:
            state["error"] = error.code
            await send_answer(send, media, request_status(error.code, media), orjson.dumps({"errors": error.errors}))
            return
        deadline = None
        if prepared.kind != "query":
            self._may_run(scope["method"], prepared.kind)
            state["mutates"] = True
            deadline = state["deadline"]
        state["operation"] = prepared.name
        self.note(state["caller"], state["headers"], prepared)
        answer = await self.operations.run(prepared, parameters.variables, state["caller"], deadline=deadline)
        if answer.errors:
            state["error"] = answer.errors[0]["extensions"]["code"]
        await send_answer(send, media, answer_status(answer, media), answer.encode(), _NONE if answer.executed else _challenge(answer))

    @staticmethod
    def _may_run(method: str, kind: str) -> None:
        if kind == "subscription":
            raise MalformedRequest("Send a subscription over a WebSocket, or with 'Accept: text/event-stream' and nothing else.")
        if method in SAFE:
            raise MethodNotAllowed(f"A {method} runs queries only: send mutations by POST.", "POST")


def read_parameters(scope: Scope) -> Parameters:
    """Return the GraphQL parameters of a request. Raises MalformedRequest, UnsupportedMediaType, MethodNotAllowed."""
    method, state = scope["method"], scope["state"]
    if method in SAFE:
        state["out"].append(JSON_QUERIES)
    if method in {"POST", "QUERY"}:
        content_type = state["headers"].get(b"content-type")
        if not is_json(content_type):
            raise UnsupportedMediaType("Send the request as application/json in UTF-8.")
        return from_body(state["body"])
    if method in SAFE:
        # The server leaves out the body of what answers HEAD.
        return from_query_string(scope["query_string"])
    raise MethodNotAllowed("Use GET, HEAD, POST or QUERY.", ALLOW)


def request_status(code: str, media: Offer) -> int:
    """The status of an operation that was refused before it ran.

    Legacy `application/json` has 200 for whatever is the operation's own fault ("application/json" in the specification).
    """
    status = STATUSES.get(code, 400)
    return status if media == GRAPHQL or status >= STATUS["RATE_LIMITED"] else 200


def answer_status(answer: GraphQLResponse, media: Offer) -> int:
    """Return the status of a response: 200 for an operation that ran, even with errors."""
    if answer.executed or not answer.errors:
        return 200
    return request_status(answer.errors[0]["extensions"]["code"], media)


def _challenge(answer: GraphQLResponse) -> Headers:
    """The header that says which scopes an operation lacked, if it was refused for that (RFC 6750, section 3.1)."""
    lacking = answer.errors[0]["extensions"].get("missingScopes") if answer.errors else None
    return [(b"www-authenticate", insufficient_scope(lacking))] if lacking else _NONE


async def send_answer(send: Send, media: Offer, status: int, body: bytes, more: Headers = _NONE) -> None:
    """Send an answer that is of one piece, with the headers that each has."""
    headers = [(b"content-type", TYPES[media]), (b"content-length", b"%d" % len(body)), *FIXED, *more]
    if status in ALWAYS:
        headers += ALWAYS[status]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
