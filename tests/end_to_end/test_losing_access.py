"""A key that expires, or is revoked by another process, ends what was opened with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.settings import Settings
from schema.graph import Graph
from tests.connecting import PATIENCE
from tests.end_to_end.event_clients import Refused, by_socket, by_stream, take
from tests.end_to_end.fleet import access, in_process, opened
from tests.end_to_end.writing import Ask, by_graph

CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } userErrors { message } } }"
REVOKE_KEY = "mutation($id: ID!) { revokeApiKey(id: $id) { deletedId } }"
SECONDS = 4


async def _doomed_key(ask: Ask, how: str) -> tuple[str, str]:
    """A new key's token and id."""
    ends = datetime.now(UTC) + timedelta(seconds=SECONDS if how == "expires" else 3_600)
    given: dict[str, Any] = {"name": "Doomed", "role": "VIEWER", "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    made = (await ask(CREATE_KEY, {"input": given}))["createApiKey"]
    assert made["userErrors"] == []
    return made["token"], made["apiKey"]["id"]


@pytest.mark.parametrize("how", ["expires", "is revoked"])
@pytest.mark.parametrize("follow", [by_socket, by_stream])
async def test_what_was_opened_with_a_key_ends_with_it(database_url: str, follow: Any, how: str) -> None:
    """The socket closes with 4403; the stream says UNAUTHENTICATED and ends; both say why."""
    who = await access(database_url)
    # Even where the next look-up is a minute away, the end of one that expires is known beforehand.
    async with opened(database_url) as database, in_process(database_url, token_cache=60 if how == "expires" else 0.5) as (address, _):
        ask = by_graph(Graph(database), who.caller)
        token, id_ = await _doomed_key(ask, how)
        following = asyncio.create_task(take(follow(address, token), 1, seconds=PATIENCE))
        await asyncio.sleep(0.5)
        assert not following.done()
        if how == "is revoked":
            await ask(REVOKE_KEY, {"id": id_})
        with pytest.raises((ConnectionClosed, Refused)) as caught:
            await following
    ended = caught.value
    if isinstance(ended, ConnectionClosed):
        assert ended.rcvd is not None
        assert ended.rcvd.code == 4403
        assert how.rsplit(maxsplit=1)[-1][:6] in ended.rcvd.reason
    else:
        assert ended.code == "UNAUTHENTICATED"
        assert how.rsplit(maxsplit=1)[-1][:6] in ended.errors[0]["message"]


def test_within_five_seconds() -> None:
    """As it is set by default, a look-up is believed for 5 s, in all processes that didn't hear of a change."""
    assert Settings().token_cache <= 5
