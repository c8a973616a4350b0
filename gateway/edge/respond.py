"""Writing answers straight to ASGI: no Response objects on the hot path."""

from starlette.types import Scope, Send

from rest_compat.errors import JSON, HttpError, HttpResponse, error_answer

from .graphql_errors import graphql_body
from .negotiate import accepted_types

GRAPHQL_PATH = "/graphql"
#: The same door, as some clients write it.
GRAPHQL_SLASH = "/graphql/"


async def refuse_socket(send: Send, error: HttpError) -> None:
    """Answer a WebSocket's handshake with an error."""
    status, headers, body = error_answer(error)
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def refuse(scope: Scope, send: Send, error: HttpError) -> None:
    """Send an error in the shape that the path's clients read."""
    state = scope["state"]
    want, request_id = accepted_types(state["headers"].get(b"accept")), state["request_id"]
    if scope["path"] in {GRAPHQL_PATH, GRAPHQL_SLASH}:
        headers = [(b"content-type", b"%b; charset=utf-8" % (want.offer or JSON).encode()), *error.headers, (b"cache-control", b"no-store")]
        await send_whole(scope, send, HttpResponse(error.status, headers, graphql_body(error, request_id)))
    else:
        await send_whole(scope, send, error_answer(error, problem=want.problem, request_id=request_id))


async def send_whole(scope: Scope, send: Send, response: HttpResponse) -> None:
    """Send a whole answer; to HEAD without its body."""
    status, headers, body = response
    if body:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
