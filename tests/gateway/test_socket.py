"""graphql-transport-ws on a real port: the protocol's messages, its close codes, and the limits of a socket."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.auth import AuthError
from gateway.live.messages import SUBPROTOCOL
from schema.rules.access import Caller, Role
from schema.storage.database import DatabaseUnavailable
from tests.connecting import PATIENCE, until
from tests.gateway.conftest import CALLER, HEADERS, TOKEN, Serve

INIT = {"type": "connection_init", "payload": {"Authorization": TOKEN}}


def subscribe(query: str, operation_id: str = "1", **members: Any) -> dict[str, Any]:
    return {"id": operation_id, "type": "subscribe", "payload": {"query": query, **members}}


class Socket:
    """A client that sends messages and collects what comes."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, *messages: Any) -> None:
        for message in messages:
            await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.connection.recv())

    async def end(self, seconds: float = PATIENCE) -> tuple[int | None, str]:
        """What the server closes with."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed as closed:
                return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")

    async def started(self) -> "Socket":
        await self.say(INIT)
        assert await self.hear() == {"type": "connection_ack"}
        return self


def dial(app: Any, subprotocol: str | None = SUBPROTOCOL, headers: dict[str, str] | None = None) -> Any:
    protocols: Any = [subprotocol] if subprotocol else None
    return connect(f"ws://{app.address}/graphql", subprotocols=protocols, additional_headers=headers)


async def test_a_subscription(serve: Serve) -> None:
    """`next` for each answer, then `complete`; the id is free again."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        for _ in range(2):
            await socket.say(subscribe("subscription { count(to: 2) }"))
            heard = [await socket.hear() for _ in range(3)]
            assert [message["type"] for message in heard] == ["next", "next", "complete"]
            assert heard[1] == {"id": "1", "type": "next", "payload": {"data": {"count": 1}, "extensions": {}}}


async def test_queries_and_mutations(serve: Serve) -> None:
    """They run here too, side by side with subscriptions; variables, operationName and unknown members as over HTTP."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("subscription { count(to: 1, delay: 9) }", "s"))
        await socket.say(
            subscribe("query A($n: String!) { hello(name: $n) } query B { hello }", "q", variables={"n": "x"}, operationName="A")
        )
        assert (await socket.hear())["payload"]["data"] == {"hello": "hello x"}
        assert (await socket.hear())["type"] == "complete"
        await socket.say(subscribe("mutation { set(x: 5) }", "m"))
        assert (await socket.hear())["payload"]["data"] == {"set": 5}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_REQUEST"),
        ("{ nothing }", "BAD_REQUEST"),
        ("query ($n: String!) { hello(name: $n) }", "BAD_REQUEST"),
        ("{ boom }", "INTERNAL_ERROR"),
        ("", "BAD_REQUEST"),
    ],
)
async def test_operations_that_cannot_run(serve: Serve, query: str, code: str) -> None:
    """`error` with a list of errors, each with a code and no secrets; the socket lives on and the id is free."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        for _ in range(2):
            await socket.say(subscribe(query))
            message = await socket.hear()
            assert (message["id"], message["type"], message["payload"][0]["extensions"]["code"]) == ("1", "error", code)
            assert "secret" not in str(message)


async def test_completing(serve: Serve) -> None:
    """After a client's `complete` nothing more comes, the work is cancelled and the id is free; an unknown id is no fault."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("{ slow(seconds: 60) }"))
        await until(lambda: app.graph.running == 1)
        await socket.say({"type": "complete", "id": "1"}, {"type": "complete", "id": "never"}, subscribe("{ hello }"))
        assert (await socket.hear())["payload"]["data"] == {"hello": "hello you"}
    assert (app.graph.cancelled, app.limiter.free) == (1, app.settings.max_in_flight)


async def test_ping(serve: Serve) -> None:
    """A `pong` for each `ping`, with its payload, before `connection_init` too; a `pong` needs no answer."""
    app = await serve()
    async with dial(app) as connection:
        socket = Socket(connection)
        await socket.say({"type": "pong"}, {"type": "ping"}, {"type": "ping", "payload": {"a": 1}})
        assert [await socket.hear(), await socket.hear()] == [{"type": "pong"}, {"type": "pong", "payload": {"a": 1}}]


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws", "soap"])
async def test_4406(serve: Serve, subprotocol: str | None) -> None:
    """A client that speaks no protocol of ours is told so."""
    app = await serve()
    async with dial(app, subprotocol) as connection:
        assert (await Socket(connection).end())[0] == 4406


async def test_4408(serve: Serve) -> None:
    """`connection_init` has its time."""
    app = await serve(websocket_init_timeout=0.1)
    async with dial(app) as connection:
        assert (await Socket(connection).end())[0] == 4408


async def test_4429_and_4401_and_4409(serve: Serve) -> None:
    """A second `connection_init`; an operation before the acknowledgement; an id that is in use."""
    app = await serve()
    forever = subscribe("subscription { count(to: 1, delay: 9) }", "x")
    for messages, code, said in (
        ([INIT, INIT], 4429, "Too many"),
        ([forever], 4401, "Unauthorized"),
        ([INIT, forever, forever], 4409, "Subscriber for x"),
    ):
        async with dial(app) as connection:
            socket = Socket(connection)
            await socket.say(*messages)
            closed = await socket.end()
            assert (closed[0], said in closed[1]) == (code, True)


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer pk_live_wrong"}, {"Authorization": "Basic x"}])
async def test_4403(serve: Serve, payload: Any) -> None:
    """Without a good token there is no acknowledgement."""
    app = await serve()
    async with dial(app) as connection:
        socket = Socket(connection)
        await socket.say({"type": "connection_init", "payload": payload})
        assert (await socket.end())[0] == 4403


async def test_the_token_may_be_in_the_header(serve: Serve) -> None:
    """Clients outside browsers can send it as over HTTP."""
    app = await serve()
    async with dial(app, headers=HEADERS) as connection:
        socket = Socket(connection)
        await socket.say({"type": "connection_init"})
        assert (await socket.hear())["type"] == "connection_ack"


MALFORMED: list[Any] = [
    *("5", "null", '"x"', "[]", "", "{", '{"type":"ping","type":"ping"}', "[" * 30_000, "1" * 5000, '{"type":NaN}', r'{"type":"\u0000"}'),
    *({}, {"type": 1}, {"type": "nothing"}, {"type": "ping", "payload": 5}, {"type": "pong", "payload": []}, {"type": "connection_ack"}),
    *(
        {"type": "complete"},
        {"type": "complete", "id": 5},
        {"type": "subscribe"},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "", "payload": {}},
    ),
    *({**subscribe("{hello}"), "id": 5}, subscribe(5), subscribe("{hello}", variables=5), subscribe("{hello}", operationName=5)),  # type: ignore[arg-type]
    *(
        subscribe("{hello}", extensions="x"),
        {"type": "connection_init", "payload": 5},
        {"type": "connection_init", "payload": {"Authorization": 5}},
        b"{}",
        b"\xff",
    ),
]


@pytest.mark.parametrize("message", MALFORMED, ids=lambda message: str(message)[:40])
async def test_4400(serve: Serve, message: Any) -> None:
    """Whatever is no message of the protocol closes with 4400 and a reason, never without a code."""
    app = await serve()
    async with dial(app) as connection:
        socket = Socket(connection)
        if not (isinstance(message, dict) and message.get("type") == "connection_init"):
            await socket.started()
        await socket.say(message)
        code, reason = await socket.end()
        assert (code, bool(reason)) == (4400, True)


async def test_message_size(serve: Serve) -> None:
    """64 KiB is read, a byte more closes with 1009 (RFC 6455)."""
    app = await serve()
    empty = len(json.dumps(subscribe("{ hello }", padding="")))
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("{ hello }", padding="x" * (65_536 - empty)))
        assert (await socket.hear())["type"] == "next"
        await socket.say(subscribe("{ hello }", padding="x" * (65_537 - empty)))
        assert (await socket.end())[0] == 1009


async def test_operations_a_socket(serve: Serve) -> None:
    """As many as the limit may be open at once; one more is refused with an error, and the others go on."""
    app = await serve(websocket_subscriptions=3)
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        for number in range(4):
            await socket.say(subscribe("subscription { count(to: 1, delay: 9) }", str(number)))
        refused = await socket.hear()
        assert (refused["id"], refused["type"], refused["payload"][0]["extensions"]["code"]) == ("3", "error", "RATE_LIMITED")
        await socket.say({"type": "complete", "id": "0"}, subscribe("{ hello }", "4"))
        assert (await socket.hear())["id"] == "4"


async def test_origins(serve: Serve) -> None:
    """Browsers send the page's origin: its own server's and listed ones get in, others get 403."""
    app = await serve(cors_origins=("https://app.example",))
    for origin in (f"http://{app.address}", "https://app.example"):
        async with dial(app, headers={"Origin": origin}) as connection:
            await Socket(connection).started()
    with pytest.raises(InvalidStatus) as caught:
        async with dial(app, headers={"Origin": "https://evil.example"}):
            pass
    assert caught.value.response.status_code == 403


async def test_another_path(serve: Serve) -> None:
    """There are no sockets elsewhere."""
    app = await serve()
    with pytest.raises(InvalidStatus):
        async with connect(f"ws://{app.address}/other"):
            pass


async def test_a_token_that_is_revoked(serve: Serve) -> None:
    """The sockets that share it close with 4403 at once, and tell nothing more of what happens; those of others go on."""
    app = await serve()
    app.authenticator._known.put("Bearer other", replace(CALLER, token_id="key_2"), 1000)
    async with dial(app) as one, dial(app) as another, dial(app, headers={"authorization": "Bearer other"}) as third:
        sockets = [await Socket(connection).started() for connection in (one, another)]
        other = Socket(third)
        await other.say({"type": "connection_init"})
        assert await other.hear() == {"type": "connection_ack"}
        for socket in (*sockets, other):
            await socket.say(subscribe("subscription { count(to: 1000, delay: 0.001) }"))
            await socket.hear()
        app.authenticator.forget(CALLER.token_id)
        for socket in sockets:
            assert (await socket.end())[0] == 4403
        assert (await other.hear())["type"] == "next"


async def test_rights_that_change(serve: Serve) -> None:
    """A role that was taken away ends the socket, so that it comes back with the new one: at once, or when the look-up has aged."""
    lesser = replace(CALLER, role=Role.VIEWER)
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        app.authenticator.forget(CALLER.token_id)
        app.authenticator._known.put(TOKEN, lesser, 1000)
        code, reason = await socket.end()
        assert (code, "rights have changed" in reason) == (4403, True)
    app.authenticator._known.put(TOKEN, CALLER, 0.5)
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        app.authenticator._known.put(TOKEN, lesser, 1000)
        assert (await socket.end())[0] == 4403


async def test_an_operation_asks_who_its_caller_is_now(serve: Serve) -> None:
    """What is sent with rights that the token has lost isn't done, also before the socket has closed."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        app.authenticator._known.put(TOKEN, replace(CALLER, role=Role.VIEWER), 1000)
        await socket.say(subscribe("mutation { set(x: 5) }"))
        assert (await socket.end())[0] == 4403


async def test_a_change_while_a_token_is_looked_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that was let in by a look-up that a revocation overtook hears nothing, and is closed at once."""
    app = await serve()
    answered = asyncio.Event()

    async def overtaken(_authorization: str | None) -> Caller:
        if not answered.is_set():
            answered.set()
            app.authenticator.forget(CALLER.token_id)
            return CALLER
        raise AuthError("The API key was revoked.")

    monkeypatch.setattr(app.authenticator, "authenticate", overtaken)
    async with dial(app) as connection:
        socket = Socket(connection)
        await socket.say(INIT)
        assert await socket.end() == (4403, "Forbidden: The API key was revoked.")


async def test_while_a_doubted_token_can_not_be_looked_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is told, and no operation done; when the database is back and the token is good still, all of it is."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("subscription { count(to: 3, delay: 0.2) }"))
        heard = [await socket.hear()]
        authenticate = app.authenticator.authenticate

        async def away(_authorization: str | None) -> Caller:
            raise DatabaseUnavailable

        monkeypatch.setattr(app.authenticator, "authenticate", away)
        app.authenticator.forget(CALLER.token_id)
        await socket.say(subscribe("mutation { set(x: 5) }", "2"))
        while (refused := await socket.hear())["id"] == "1":
            heard.append(refused)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "UNAVAILABLE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await connection.recv()
        app.authenticator._known.put(TOKEN, CALLER, 1000)
        monkeypatch.setattr(app.authenticator, "authenticate", authenticate)
        while len(heard) < 4:
            heard.append(await socket.hear())
        assert [message["type"] for message in heard] == ["next", "next", "next", "complete"]


async def test_a_reader_that_stops(serve: Serve) -> None:
    """Who reads no more is dropped when the queue stays full; the others notice nothing."""
    app = await serve(slow_reader_timeout=0.3, websocket_queue=10)
    async with dial(app) as other, dial(app) as connection:
        healthy, stuck = await Socket(other).started(), await Socket(connection).started()
        stuck.connection.transport.pause_reading()
        await stuck.say(subscribe("subscription { wide(to: 5000) }"))
        async with asyncio.timeout(PATIENCE):
            while app.metrics.sockets._value.get() > 1:
                await asyncio.sleep(0.05)
                await healthy.say(subscribe("{ hello }"))
                assert [(await healthy.hear())["type"], (await healthy.hear())["type"]] == ["next", "complete"]
        stuck.connection.transport.abort()


async def test_a_long_catching_up(serve: Serve) -> None:
    """More answers at once than the queue holds are no reason to drop a client that reads."""
    app = await serve(websocket_queue=5)
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("subscription { wide(to: 300) }"))
        heard = [(await socket.hear())["type"] for _ in range(301)]
        assert heard == ["next"] * 300 + ["complete"]


async def test_closing(serve: Serve) -> None:
    """When the process stops, sockets close with 1012: come back."""
    app = await serve()
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        await socket.say(subscribe("subscription { count(to: 1, delay: 9) }"))
        app.closing.set()
        assert (await socket.end())[0] == 1012


async def test_rate_limit(serve: Serve) -> None:
    """Operations on a socket come out of the same budget."""
    app = await serve(rate_limit="2/minute")
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        for number in range(3):
            await socket.say(subscribe("{ hello }", str(number)))
            message = await socket.hear()
            if number < 2:
                assert (await socket.hear())["type"] == "complete"
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")


async def test_large_operations_on_a_socket(serve: Serve) -> None:
    """What is open on one socket is bounded in characters, and on all sockets of a process too; what ended counts no more."""
    app = await serve()
    forever = "subscription ($n: Int!) { count(to: $n, delay: 9) }"
    async with dial(app) as connection:
        socket = await Socket(connection).started()
        for number in range(5):
            await socket.say(subscribe(forever, str(number), variables={"n": 1, "unused": "x" * 60_000}))
        refused = await socket.hear()
        assert (refused["id"], refused["type"], refused["payload"][0]["extensions"]["code"]) == ("4", "error", "RATE_LIMITED")
        await socket.say({"type": "complete", "id": "0"}, subscribe("{ hello }", "5"))
        assert [(await socket.hear())["id"] for _ in range(2)] == ["5", "5"]
        app.live.open.limit = 1
        await socket.say(subscribe("{ hello }", "6", variables={"unused": "x" * 3_000}))
        refused = await socket.hear()
        assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("6", "UNAVAILABLE")
    await until(lambda: app.live.open.bytes == 0)


async def test_one_token_leaves_room_for_others(serve: Serve) -> None:
    """However many large operations a token has open, on sockets and streams, another token opens its own on both."""
    app = await serve()
    other, app.live.open.limit = "Bearer other", 100_000
    app.authenticator._known.put(other, replace(CALLER, token_id="key_2"), 1000)
    forever = subscribe("subscription { count(to: 2, delay: 9) }", variables={"unused": "x" * 40_000})
    async with dial(app) as connection, dial(app) as others, httpx.AsyncClient(base_url=f"http://{app.address}") as client:
        socket = await Socket(connection).started()
        await socket.say(*({**forever, "id": str(number)} for number in range(4)))
        heard = [await socket.hear() for _ in range(3)]
        assert [(each["id"], each["payload"][0]["extensions"]["code"]) for each in heard] == [(id_, "UNAVAILABLE") for id_ in "123"]
        stream = {"accept": "text/event-stream"}
        asked = await client.post("/graphql", json=forever["payload"], headers={**HEADERS, **stream})
        assert asked.status_code == 503
        await Socket(others).say({"type": "connection_init", "payload": {"Authorization": other}}, subscribe("{ hello }"))
        assert [(await Socket(others).hear())["type"] for _ in range(3)] == ["connection_ack", "next", "complete"]
        asked = await client.post("/graphql", json={"query": "{ hello }"}, headers={"authorization": other, **stream})
        assert (asked.status_code, "hello you" in asked.text) == (200, True)
    await until(lambda: app.live.open.bytes == 0)


async def test_a_share_that_shrank(serve: Serve) -> None:
    """Who holds more than its share, because others came, still opens small operations, on sockets and streams; large ones wait."""
    app = await serve()
    app.live.open.limit = 100_000
    forever = subscribe("subscription { count(to: 2, delay: 9) }", variables={"unused": "x" * 40_000})
    async with dial(app) as connection, httpx.AsyncClient(base_url=f"http://{app.address}") as client:
        socket = await Socket(connection).started()
        await socket.say({**forever, "id": "large"}, subscribe("{ hello }", "small"))
        assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]
        app.live.open.add("key_2", 25_000)
        await socket.say(subscribe("{ hello }", "1"), subscribe("{ hello }", "2", variables={"unused": "x" * 3_000}))
        heard = {(each["id"], each["type"]) for each in [await socket.hear() for _ in range(3)]}
        assert heard == {("1", "next"), ("1", "complete"), ("2", "error")}
        asked = await client.post("/graphql", json={"query": "{ hello }"}, headers={**HEADERS, "accept": "text/event-stream"})
        assert (asked.status_code, "hello you" in asked.text) == (200, True)
        app.live.open.remove("key_2", 25_000)
    await until(lambda: app.live.open.bytes == 0)
