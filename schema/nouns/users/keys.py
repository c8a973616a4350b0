"""API keys: made, shown once, given a new token, revoked. Only the SHA-256 of a token is kept."""

import hashlib
import secrets

from schema.engine.write.inputs import InputError, invalid
from schema.engine.write.records import RecordWriter
from schema.engine.write.write_transaction import WriteTransaction, done, is_refused, refused
from schema.rules.access import MOST_OVERLAP_MINUTES, Caller
from schema.rules.clock import later
from schema.rules.errors import Forbidden
from schema.rules.scopes import effective
from schema.values import Object, Values

from . import audit_writes
from .enums import AuditKind

TOKEN_PREFIX = "pk_live_"  # noqa: S105  the mark of a token, not a token


def new_token() -> str:
    """A token with 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the hash that is stored for a token: a token is random enough for one round of SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create(writer: RecordWriter, transaction: WriteTransaction, arguments: Values) -> Object:
    """Create a key; the payload has its token."""
    token, given = new_token(), arguments["input"]
    scopes = given.get("scopes")
    _check_rights(transaction.caller, scopes)
    if scopes is None:  # Null is no empty list here, which would be a key that may do nothing.
        given = {name: value for name, value in given.items() if name != "scopes"}
    answer = await writer.create(transaction, given, token_hash=token_hash(token))
    return answer if is_refused(answer) else {**answer, "token": token}


def _check_rights(caller: Caller, scopes: list[str] | None) -> None:
    """Raises Forbidden where a token with scopes would get one that may do more."""
    if caller.scopes is not None and (scopes is None or not effective(scopes) <= caller.scopes):
        raise Forbidden("A token with scopes can make or rotate only keys whose scopes it has itself.")


async def rotate(writer: RecordWriter, transaction: WriteTransaction, arguments: Values) -> Object:
    """Give a key a new token, which is in the payload; the former one works until the overlap ends."""
    overlap = arguments["overlapMinutes"]
    if not 0 <= overlap <= MOST_OVERLAP_MINUTES:
        return refused(invalid("overlapMinutes", "OUT_OF_RANGE", f"`overlapMinutes` must be from 0 to {MOST_OVERLAP_MINUTES}."))
    row = await writer.find(transaction, arguments["id"])
    if isinstance(row, InputError):
        return refused(row)
    _check_rights(transaction.caller, None if row["scopes"] is None else row["scopes"].split())
    if obstacle := rotation_obstacle(row, transaction.now, overlap):
        return refused(obstacle)
    token = new_token()
    changed = rotated(row, token, transaction.now, overlap)
    await transaction.execute(writer.rows.update(frozenset(changed)), {**changed, "row_id": row["id"]})
    await audit_writes.note(transaction, AuditKind.KEY_ROTATED, {}, api_key_id=row["id"])
    return done(row["id"], token=token, until=changed["previous_token_expires_at"])


def rotation_obstacle(row: Values, now: str, overlap: int) -> InputError | None:
    """Why a key can't be given a new token at `now`; None where it can."""
    if row["revoked_at"] is not None:
        return InputError("CONFLICT", "KEY_ENDED", None, "The key was revoked: make a new one.")
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return InputError("CONFLICT", "KEY_ENDED", None, "The key has expired: make a new one.")
    if overlap and row["previous_token_expires_at"] is not None and row["previous_token_expires_at"] > now:
        until = row["previous_token_expires_at"]
        message = (
            f"The token before the present one works until {until}: wait for that, or rotate with no overlap, which ends both at once."
        )
        return InputError("CONFLICT", "OVERLAP", None, message)
    return None


def rotated(row: Values, token: str, now: str, overlap: int) -> Object:
    """The columns of a key that is given a new token, where the former one works on for so many minutes."""
    until = later(now, 60 * overlap)
    return {
        "token_hash": token_hash(token),
        "rotated_at": now,
        "last_used_at": None,
        "previous_hash": row["token_hash"] if overlap else None,
        "previous_token_expires_at": until if overlap else None,
        "previous_token_last_used_at": row["last_used_at"] if overlap else None,
    }


async def revoke(writer: RecordWriter, transaction: WriteTransaction, arguments: Values) -> Object:
    """Revokes a key: at once in this process, within seconds in others (see the cache of tokens)."""
    found = await writer.find(transaction, arguments["id"])
    if isinstance(found, InputError):
        return refused(found)
    if found["revoked_at"] is None:
        await transaction.execute(writer.rows.update(frozenset({"revoked_at"})), {"revoked_at": transaction.now, "row_id": found["id"]})
        await audit_writes.note(transaction, AuditKind.KEY_REVOKED, {}, api_key_id=found["id"])
    return done(deletedId=found["id"])
