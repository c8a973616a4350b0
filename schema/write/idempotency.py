"""Answers kept under the keys that callers gave, for 24 hours, per token, in the transaction of the write itself."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from ..plan.reading import WORKSPACE
from ..rules.access import Caller
from ..rules.errors import BadRequest, Conflict, InvalidKey
from ..storage.columns import Instant, Text
from ..storage.database import Unavailable
from ..storage.tables import IdempotencyKey

if TYPE_CHECKING:
    from .transaction import Writing

HOURS = 24
MAX_KEY = 255

_KEPT: Any = IdempotencyKey.__table__  # type: ignore[attr-defined]
_token: Any = bindparam("token_id", type_=Text(), required=True)
_key: Any = bindparam("key", type_=Text(), required=True)
_oldest: Any = bindparam("oldest", type_=Instant(), required=True)
_FIND = select(_KEPT.c.fingerprint, _KEPT.c.answer).where(
    _KEPT.c.workspace_id == WORKSPACE, _KEPT.c.token_id == _token, _KEPT.c.key == _key, _KEPT.c.created_at >= _oldest
)
_FORGET = delete(_KEPT).where(_KEPT.c.workspace_id == WORKSPACE, _KEPT.c.created_at < _oldest)
_KEEP = insert(_KEPT).values({column.name: bindparam(column.name, required=True) for column in _KEPT.c})


_IN_PROGRESS: Counter[tuple[str, str, str]] = Counter()


@contextmanager
def in_progress(caller: Caller, key: str | None) -> Iterator[None]:
    """Around a write. Who waits in vain behind another request of the same key is told so: Conflict in place of Unavailable.

    Only requests to this process are known of; behind one that another process works on it stays Unavailable.
    """
    if key is None:
        yield
        return
    slot = caller.workspace_id, caller.token_id, key
    others = _IN_PROGRESS[slot] > 0
    _IN_PROGRESS[slot] += 1
    try:
        yield
    except Unavailable as error:
        if others:
            message = "A request with this idempotency key is still in progress: ask again."
            raise Conflict(message) from error
        raise
    finally:
        _IN_PROGRESS[slot] -= 1
        if not _IN_PROGRESS[slot]:
            del _IN_PROGRESS[slot]


def read_key(key: str | None) -> str | None:
    """A key as given. Raises BadRequest where it isn't 1 to 255 printable characters, as REST does of its header."""
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        message = f"An idempotency key has 1 to {MAX_KEY} printable characters."
        raise BadRequest(message)
    return key


def _limit(now: str) -> str:
    return (datetime.fromisoformat(now) - timedelta(hours=HOURS)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def find(writing: "Writing", key: str, fingerprint: str) -> str | None:
    """The answer kept under a key, as JSON. Raises InvalidKey where the key was given with another request."""
    rows = await writing.fetch(_FIND, token_id=writing.caller.token_id, key=key, oldest=_limit(writing.now))
    if not rows:
        return None
    kept, answer = rows[0]
    if kept != fingerprint:
        message = "This idempotency key was used for another request: take a new one."
        raise InvalidKey(message)
    return str(answer)


async def keep(writing: "Writing", key: str, fingerprint: str, answer: str) -> None:
    """Keeps an answer, and lets go of those whose time is over."""
    await writing.execute(_FORGET, {"oldest": _limit(writing.now)})
    values = {
        "workspace_id": writing.caller.workspace_id,
        "token_id": writing.caller.token_id,
        "key": key,
        "fingerprint": fingerprint,
        "answer": answer,
        "created_at": writing.now,
    }
    await writing.execute(_KEEP, values)
