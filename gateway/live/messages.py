"""The messages of graphql-transport-ws, and what a socket is closed with.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from typing import Final

import orjson

from gateway.edge.decoder import StrictJsonError, decode
from gateway.graphql.parameters import Parameters, from_members
from rest_compat.errors import MalformedRequest
from rest_compat.json_values import Json, JsonObject

SUBPROTOCOL: Final = "graphql-transport-ws"
MAX_REASON: Final = 123  # bytes: RFC 6455 section 5.5


class SocketClosed(Exception):
    """The socket is to be closed with `code`, or has been by its client (None). `words` say why, with a detail where they have a place."""

    code: int | None = None
    words = "{}"

    def __init__(self, detail: object = "") -> None:
        reason = self.words.format(detail)
        super().__init__(reason)
        self.reason = reason.encode()[:MAX_REASON].decode(errors="ignore")


class InvalidMessage(SocketClosed):
    """4400: not a message of the protocol."""

    code = 4400


class Unauthorized(SocketClosed):
    """4401: an operation before the connection was acknowledged."""

    code = 4401
    words = "Unauthorized"


class SocketForbidden(SocketClosed):
    """4403: no token, or one that is not good, or no longer."""

    code = 4403
    words = "Forbidden: {}"


class WrongSubprotocol(SocketClosed):
    """4406: the client speaks none that we do."""

    code = 4406
    words = "Subprotocol not acceptable"


class InitTimeout(SocketClosed):
    """4408: `connection_init` didn't come in time."""

    code = 4408
    words = "Connection initialisation timeout"


class SubscriberExists(SocketClosed):
    """4409: the id is that of an operation still open."""

    code = 4409
    words = "Subscriber for {} already exists"


class TooManyInits(SocketClosed):
    """4429: `connection_init` a second time."""

    code = 4429
    words = "Too many initialisation requests"


class MessageTooBig(SocketClosed):
    """1009: the message is over its limit (RFC 6455 section 7.4.1)."""

    code = 1009
    words = "A message may have {} bytes"


class ServiceRestart(SocketClosed):
    """1012: the process stops; clients come back to another one."""

    code = 1012
    words = "Service restart"


class TryAgainLater(SocketClosed):
    """1013: the client reads too slowly, or the database is unavailable; it may connect again and resume."""

    code = 1013


class SocketFailed(SocketClosed):
    """1011: a defect of the gateway."""

    code = 1011
    words = "Internal error"


def read(event: Json, limit: int) -> JsonObject:
    """The message in an ASGI event: an object whose `type` is a string. Raises SocketClosed."""
    if event["type"] == "websocket.disconnect":
        raise SocketClosed
    text = event.get("text")
    if text is None:
        raise InvalidMessage("Messages are text")
    data = text.encode(errors="surrogatepass")
    if len(data) > limit:
        raise MessageTooBig(limit)
    try:
        message = decode(data)
    except StrictJsonError as error:
        raise InvalidMessage(error.message) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InvalidMessage("A message is an object with a string 'type'")
    return message


def payload_of(message: JsonObject) -> JsonObject | None:
    """The optional payload of `connection_init`, `ping` and `pong`. Raises InvalidMessage."""
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise InvalidMessage("A payload is an object")
    return payload


def id_of(message: JsonObject) -> str:
    """The operation's id. Raises InvalidMessage."""
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not operation_id:
        raise InvalidMessage("'id' must be a string with something in it")
    return operation_id


def parameters_of(message: JsonObject) -> Parameters:
    """Return the GraphQL parameters of a `subscribe` message. Raises InvalidMessage."""
    try:
        return from_members(message.get("payload"))
    except MalformedRequest as error:
        raise InvalidMessage(error.detail) from None


def encode(type_: str, operation_id: str | None = None, payload: Json = None) -> bytes:
    """A message to a client."""
    message = {"type": type_} if operation_id is None else {"id": operation_id, "type": type_}
    return orjson.dumps(message if payload is None else {**message, "payload": payload})


def encode_next(operation_id: str, answer: bytes) -> bytes:
    """A `next` message around an encoded answer."""
    return b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(operation_id), answer)
