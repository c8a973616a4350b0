"""A token is looked at again while its socket or stream is open: when it expires, and every so many seconds for having been revoked."""

import asyncio
from datetime import UTC, datetime

from gateway.auth import AuthError
from schema.rules.access import Caller
from schema.storage.database import Unavailable

from .operating import Terms


class TokenLost(Exception):
    """The token has expired, was revoked, or gives other rights than it did at the start."""


class Closing(Exception):
    """The process stops."""


async def watch(terms: Terms, authorization: str | None, caller: Caller) -> None:
    """Returns never: raises TokenLost or Closing."""
    while not await _closing_within(terms, min(terms.recheck, _seconds_left(caller))):
        try:
            current = await terms.authenticator.authenticate(authorization)
        except AuthError as error:
            raise TokenLost(error.message) from None
        except Unavailable:
            continue  # No news of the token; the database's absence ends no socket.
        if current != caller:
            raise TokenLost("The token's rights have changed.")
    raise Closing


async def _closing_within(terms: Terms, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await terms.closing.wait()
    except TimeoutError:
        return False
    return True


def _seconds_left(caller: Caller) -> float:
    """Until the token expires, and a little more, so that the look finds it expired."""
    if caller.expires_at is None:
        return float("inf")
    return max((datetime.fromisoformat(caller.expires_at) - datetime.now(UTC)).total_seconds() + 0.1, 0.5)
