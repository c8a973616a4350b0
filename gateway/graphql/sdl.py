"""The schema as text at `/graphql/schema.graphql`, for tools that read a file, under the same rules as introspection."""

from hashlib import blake2b
from typing import Final

from starlette.types import Receive, Scope, Send

from gateway.edge.compression import ConstantBody
from gateway.edge.respond import send_whole
from rest_compat.errors import AccessDenied, Headers, HttpResponse, MethodNotAllowed
from rest_compat.headers import is_fresh

ALLOW: Final = "GET, HEAD, OPTIONS"


class SchemaText:
    """Answers with the SDL. Raises AccessDenied where `introspection` is off, and MethodNotAllowed."""

    def __init__(self, sdl: str, *, introspection: bool) -> None:
        self._body = ConstantBody(sdl.encode())
        self._tag = f'"{blake2b(self._body, digest_size=16).hexdigest()}"'
        self._introspection = introspection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI application takes it
        method = scope["method"]
        if method == "OPTIONS":
            await send_whole(scope, send, HttpResponse(204, [(b"allow", ALLOW.encode())], b""))
            return
        if method not in {"GET", "HEAD"}:
            raise MethodNotAllowed("The schema can only be read: use GET or HEAD.", ALLOW)
        if not self._introspection:
            raise AccessDenied("The schema is not shown here: introspection is off.")
        known = scope["state"]["headers"].get(b"if-none-match")
        headers: Headers = [(b"etag", self._tag.encode()), (b"cache-control", b"private, no-cache"), (b"vary", b"Authorization")]
        if known is not None and is_fresh(known.decode("latin-1"), self._tag):
            await send_whole(scope, send, HttpResponse(304, headers, b""))
            return
        headers.append((b"content-type", b"text/plain; charset=utf-8"))
        await send_whole(scope, send, HttpResponse(200, headers, self._body))
