"""A write as a client means it, whichever door it goes by and however it is spelled."""

from dataclasses import dataclass
from typing import Any

import orjson

from tests.end_to_end.parity.model import WRITABLE, Body, Row


@dataclass(frozen=True)
class Write:
    """`seen` is the version that is expected, None for any; `whole`: the object is sent back as it was read, with a change in it.

    `echo` are read-only keys that REST is sent beside the body. `nulls`: GraphQL is sent null for what isn't given.
    """

    door: str
    kind: str
    verb: str
    id: str = ""
    body: Body | None = None
    seen: int | None = None
    key: str | None = None
    whole: bool = False
    echo: Row | None = None
    nulls: bool = False

    @property
    def path(self) -> str:
        return f"/api/{self.kind}/" + (f"{self.id}/" if self.id else "")

    @property
    def headers(self) -> dict[str, str]:
        given = {"idempotency-key": self.key, "if-match": None if self.seen is None else f'"{self.seen}-x"'}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_whole(self) -> bool:
        """Whether what equals the stored value says nothing: so REST takes a body that has every key which can be written."""
        every = self.body is not None and self.body.keys() >= WRITABLE
        return (self.whole or every) and (self.kind, self.verb) == ("opportunities", "update")

    @property
    def sent(self) -> Body | None:
        """The body by REST, which tells a whole object by `updatedAt`."""
        return self.body if self.body is None else {**self.body, **(self.echo or ({"updatedAt": "x"} if self.whole else {}))}

    @property
    def print(self) -> bytes:
        """What tells it from another one under the same key: null says nothing where a record is made."""
        body: Any = self.body
        if body is not None:
            body = {name: _plain(value) for name, value in body.items() if value is not None or self.verb != "create"}
        return orjson.dumps([self.door, self.kind, self.verb, self.id, body, self.seen, self.is_whole], option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    """A number, whether written `1` or `1.0`."""
    return float(value) if isinstance(value, int) else value


def respelled(body: Body, verb: str, optional: list[str]) -> Body:
    """The same body written otherwise: floats for integers, the keys turned round, null for what a new record doesn't have."""
    more = {name: None for name in optional if name not in body} if verb == "create" else {}
    return {name: _plain(value) for name, value in [*more.items(), *reversed(body.items())]}
