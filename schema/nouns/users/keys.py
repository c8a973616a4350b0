"""API keys: made, shown once, revoked. Only the SHA-256 of a token is kept."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from schema.engine.write.inputs import Fault, InputModel, invalid
from schema.engine.write.rows import RowStatements
from schema.engine.write.writing import Writing, done, refused
from schema.nouns.all import ApiKey
from schema.nouns.changing import limit_faults
from schema.nouns.references import reference_faults
from schema.rules import clock
from schema.storage.ids import new_id

TOKEN_PREFIX = "pk_live_"  # noqa: S105  the mark of a token, not a token
_ROWS = RowStatements(ApiKey)
_INPUT = InputModel(ApiKey.__noun__.create)


def new_token() -> str:
    """A token with 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token: it is random enough for one round of SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """CreateApiKey."""
    values, faults = _INPUT.read(arguments["input"])
    faults += limit_faults(values)
    if values.get("expires_at") is not None and values["expires_at"] <= writing.now:
        faults.append(invalid("expiresAt", "OUT_OF_RANGE", "`expiresAt` is past: give an instant to come."))
    faults += await reference_faults(writing, "account", "accountId", values.get("account_id"))
    if faults:
        return refused(*faults)
    token = new_token()
    id_, milliseconds = new_id("key")
    row = dict.fromkeys(_ROWS.columns) | values
    row |= {
        "workspace_id": writing.caller.workspace_id,
        "id": id_,
        "token_hash": token_hash(token),
        "created_at": clock.instant(milliseconds),
    }
    await writing.execute(_ROWS.insert, row)
    return done(id_, token=token)


async def revoke(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """revokeApiKey: at once in this process, within seconds in others (see the cache of tokens)."""
    id_ = arguments["id"]
    rows = await writing.fetch(_ROWS.find, row_id=id_)
    if not rows:
        return refused(Fault("NOT_FOUND", "NOT_FOUND", None, "There is no key with this id."))
    row = _ROWS.as_dict(rows[0])
    if row["revoked_at"] is None:
        await writing.execute(_ROWS.update(frozenset({"revoked_at"})), {"revoked_at": writing.now, "row_id": id_})
    return done(deletedId=id_)
