"""The floor: what a hand-written endpoint costs. No framework, no ORM, no GraphQL, no checks."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .queries import Floor

_JSON = (b"content-type", b"application/json")
_LIST = "/api/opportunities/"


async def read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def respond(send: Any, status: int, body: bytes) -> None:
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def address(scope: Mapping[str, Any]) -> str:
    """The list's own address, as the client called it."""
    host = next(value for name, value in scope["headers"] if name == b"host").decode()
    return f"{scope['scheme']}://{host}{_LIST}"


class App:
    """Routes by hand."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            status, body = await self.answer(scope, receive)
            await respond(send, status, body)

    async def answer(self, scope: Any, receive: Any) -> tuple[int, bytes]:
        method, path = scope["method"], scope["path"]
        if path == "/graphql":
            return 200, self.graphql(orjson.loads(await read(receive)))
        id_ = path[len(_LIST) : -1]
        if method == "GET":
            if id_:
                return found(self.floor.detail(id_))
            return 200, self.floor.list(address(scope), dict(parse_qsl(scope["query_string"].decode())))
        body = await read(receive)
        return found(self.floor.patch(id_, body)) if method == "PATCH" else found(self.floor.create(body), 201)

    def graphql(self, body: Mapping[str, Any]) -> bytes:
        """The two operations that it knows, by name: what an endpoint of one's own for each would do."""
        if body["operationName"] == "Deal":
            return self.floor.deal(body["variables"]["id"])
        return self.floor.deals("NEGOTIATION", 100)


def found(answer: bytes | None, status: int = 200) -> tuple[int, bytes]:
    return (404, b'{"detail":"Not found."}') if answer is None else (status, answer)


def create_app() -> App:
    return App(Floor(os.environ["BENCH_DATABASE"], os.environ["BENCH_WORKSPACE"]))
