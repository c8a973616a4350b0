"""API keys: made, shown once, revoked. Only the SHA-256 of a token is kept."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from schema.engine.write.inputs import Fault
from schema.engine.write.records import RecordWriter
from schema.engine.write.writing import Writing, done, is_refused, refused

TOKEN_PREFIX = "pk_live_"  # noqa: S105  the mark of a token, not a token


def new_token() -> str:
    """A token with 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token: it is random enough for one round of SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create(writer: RecordWriter, writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Creates a key, whose token the payload tells."""
    token = new_token()
    answer = await writer.create(writing, arguments["input"], token_hash=token_hash(token))
    return answer if is_refused(answer) else {**answer, "token": token}


async def revoke(writer: RecordWriter, writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Revokes a key: at once in this process, within seconds in others (see the cache of tokens)."""
    found = await writer.find(writing, arguments["id"])
    if isinstance(found, Fault):
        return refused(found)
    if found["revoked_at"] is None:
        await writing.execute(writer.rows.update(frozenset({"revoked_at"})), {"revoked_at": writing.now, "row_id": found["id"]})
    return done(deletedId=found["id"])
