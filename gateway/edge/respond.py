"""Writing answers straight to ASGI: no Response objects on the hot path."""

from starlette.types import Scope, Send

from .faults import Fault, Headers, graphql_body, rest_body
from .negotiate import JSON, offer, wants_problem

GRAPHQL_PATH = "/graphql"
#: The same door, as some clients write it.
GRAPHQL_SLASH = "/graphql/"


async def respond(send: Send, status: int, content_type: str, body: bytes, headers: Headers | None = None) -> None:
    """Send a whole answer."""
    fixed = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fixed + headers if headers else fixed})
    await send({"type": "http.response.body", "body": body})


async def refuse_socket(send: Send, fault: Fault) -> None:
    """Answer a WebSocket's handshake with a fault."""
    body = rest_body(fault)
    headers = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"), *fault.headers]
    await send({"type": "websocket.http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def refuse(scope: Scope, send: Send, fault: Fault) -> None:
    """Send a fault in the shape that the path's clients read."""
    accept = b", ".join([value for name, value in scope["headers"] if name == b"accept"])
    headers = [*fault.headers, (b"cache-control", b"no-store")]
    if scope["path"] in {GRAPHQL_PATH, GRAPHQL_SLASH}:
        await respond(send, fault.status, f"{offer(accept) or JSON}; charset=utf-8", graphql_body(fault), headers)
    elif wants_problem(accept):
        await respond(send, fault.status, "application/problem+json", rest_body(fault, problem=True), headers)
    else:
        await respond(send, fault.status, JSON, rest_body(fault), headers)
