"""Answers kept under the keys that callers gave, for 24 hours, per token, in the transaction of the write itself.

A key is good for one call, which its fingerprint tells from others: made of what the call means, not of how it is written. So blanks,
comments, the order of keys, `1` and `1.0`, a literal and a variable make no difference; another value, another field of the answer do.

Keys whose time is over count as absent. They are swept in the background, never within a write: there may be a million of them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from sqlalchemy import bindparam, delete, select

from schema.engine.compile.operation import WriteStep
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.resolver_field import KEY
from schema.rules.access import Caller
from schema.rules.clock import later
from schema.rules.errors import BadRequest, Conflict, InvalidKey
from schema.sql_types import Bind
from schema.storage.columns import CodePointText
from schema.storage.database import Database, DatabaseUnavailable
from schema.storage.retention import DatedRows
from schema.storage.statements import insert_of
from schema.storage.tables import IdempotencyKey
from schema.storage.workspace import WORKSPACE
from schema.values import Value, Values

from .write_transaction import WriteTransaction

HOURS = 24
MAX_KEY = 255
_INPUTS = ("input", "inputs")

_KEPT = IdempotencyKey.__table__
_token: Bind = bindparam("token_id", type_=CodePointText(), required=True)
_key: Bind = bindparam("key", type_=CodePointText(), required=True)
_HERE = (_KEPT.c.workspace_id == WORKSPACE, _KEPT.c.token_id == _token, _KEPT.c.key == _key)
_FIND = select(_KEPT.c.fingerprint, _KEPT.c.answer, _KEPT.c.created_at).where(*_HERE)
_FORGET = delete(_KEPT).where(*_HERE)
_KEEP = insert_of(_KEPT)

_IN_PROGRESS: Counter[tuple[str, str, str]] = Counter()


@contextmanager
def in_progress(caller: Caller, key: str | None) -> Iterator[None]:
    """Wraps a write: a request that waits in vain for another one with the same key raises Conflict in place of DatabaseUnavailable.

    Only requests to this process are known of; behind one that another process works on it stays DatabaseUnavailable.
    """
    if key is None:
        yield
        return
    slot = caller.workspace_id, caller.token_id, key
    others = _IN_PROGRESS[slot] > 0
    _IN_PROGRESS[slot] += 1
    try:
        yield
    except DatabaseUnavailable as error:
        if others:
            raise Conflict("A request with this idempotency key is still being worked on: try again in a moment.") from error
        raise
    finally:
        _IN_PROGRESS[slot] -= 1
        if not _IN_PROGRESS[slot]:
            del _IN_PROGRESS[slot]


def fingerprint(step: WriteStep, arguments: Values, variables: Variables, *, creates: bool) -> str:
    """The SHA-256, in hex, of a call without its key. Null counts as absent in arguments, and with `creates` in what is created.

    Within the input of an update null clears a field, so there it differs from absent.
    """
    # The selection set enters as graphql-core prints it, with the variables that it mentions.
    given = {name: value for name, value in arguments.items() if value is not None and name != KEY}
    if creates:
        given |= {name: _without_nulls(given[name]) for name in _INPUTS if name in given}
    text, names = step.asked
    mentioned = {name: variables.coerced.get(name) for name in names}
    parts = orjson.dumps([step.name, text, given, mentioned], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(parts).hexdigest()


def _without_nulls(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


def read_key(key: str | None) -> str | None:
    """A key as given. Raises BadRequest where it isn't 1 to 255 printable characters, as REST does of its header."""
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise BadRequest(f"An idempotency key has 1 to {MAX_KEY} printable characters.")
    return key


def expired_keys(database: Database) -> DatedRows:
    """The keys whose time is over, to be swept."""
    return DatedRows(database, _KEPT, "idempotency keys", HOURS * 3_600)


async def find(transaction: WriteTransaction, key: str, print_: str) -> str | None:
    """Return the payload stored under a key, as JSON; None if there is none or it expired. Raises InvalidKey for another call's key."""
    here = {"token_id": transaction.caller.token_id, "key": key}
    rows = await transaction.fetch(_FIND, **here)
    if not rows:
        return None
    kept, answer, created_at = rows[0]
    if created_at < later(transaction.now, -HOURS * 3_600):
        await transaction.keep_house(_FORGET, here)
        return None
    if kept != print_:
        raise InvalidKey("This idempotency key was used for another request: take a new one.")
    return str(answer)


def read_kept(answer: str, room: int) -> Value:
    """Return a stored payload, to be replayed. Raises ResponseTooLarge if it has more than `room` bytes."""
    if len(answer) > room:
        raise ResponseTooLarge(room)
    return json.loads(answer, parse_int=_number, parse_float=_number)


async def keep(transaction: WriteTransaction, key: str, print_: str, payload: Value) -> None:
    """Keeps the payload of a call that is about to be committed."""
    values = {
        "workspace_id": transaction.caller.workspace_id,
        "token_id": transaction.caller.token_id,
        "key": key,
        "fingerprint": print_,
        "answer": orjson.dumps(payload, default=_failed).decode(),
        "created_at": transaction.now,
    }
    await transaction.keep_house(_KEEP, values)


def _failed(_: object) -> None:
    """Encode an exception as null: failed fields of a stored response are null when it is replayed."""


def _number(text: str) -> Value:
    """Return a number of a stored response unchanged: sums of money that no double holds keep all their digits."""
    number = orjson.loads(text)
    return number if orjson.dumps(number) == text.encode() else orjson.Fragment(text)
