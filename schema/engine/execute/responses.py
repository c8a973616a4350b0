"""Responses of operations and of events."""

from dataclasses import dataclass, field

import orjson

from schema.values import Object


@dataclass(slots=True)
class GraphQLResponse:
    """The answer to an operation. `executed` is False where the request itself was at fault: then there is no `data` in the body.

    `revision` is the workspace's in the snapshot that was read, where that was asked for.
    """

    data: Object | None
    errors: list[Object] | None = None
    extensions: Object = field(default_factory=dict)
    executed: bool = True
    revision: int | None = None

    def encode(self) -> bytes:
        """The response body (GraphQL over HTTP: `errors` first, so that they are seen)."""
        body: Object = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        if self.extensions:
            body["extensions"] = self.extensions
        return orjson.dumps(body)


@dataclass(frozen=True, slots=True)
class EventResponse:
    """The response to an event, encoded once for all followers who get the same."""

    body: bytes
    errors: None = None
    executed: bool = True

    @property
    def data(self) -> Object:
        """The event's data."""
        data: Object = orjson.loads(self.body)["data"]
        return data

    def encode(self) -> bytes:
        """The response body."""
        return self.body
