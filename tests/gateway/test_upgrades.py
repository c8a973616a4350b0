"""Requests that wish for another protocol: a WebSocket is opened by a GET without a body alone, and every other wish is ignored."""

import asyncio
from typing import Any

import pytest

from gateway.server.upgrades import is_websocket
from gateway.server.websocket_protocol import WebSocketProtocol
from tests.connecting import connected
from tests.gateway.conftest import TOKEN, Serve
from tests.gateway.test_pipelines import LAST, post, statuses, talk

HANDSHAKE = {
    "host": "x",
    "upgrade": "websocket",
    "connection": "keep-alive, Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-protocol": "graphql-transport-ws",
}


def get(**changed: str | None) -> bytes:
    """A handshake, with other headers (None: without), by their names with `_`."""
    headers = HANDSHAKE | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return f"GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nauthorization: {TOKEN}\r\n{lines}\r\n".encode()


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.3, websocket", "websocket, h2c", ""])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_and_another_protocol(serve: Serve, protocol: str, *, chunked: bool) -> None:
    """A POST is answered as any other, and so is what comes behind it: its body is no request of its own."""
    app = await serve()
    wish = f"upgrade: {protocol}\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABk\r\n"
    answer = await talk(app, post("{ hello }", wish, chunked=chunked) + LAST)
    assert statuses(answer) == [200, 200]
    assert b'{"hello":"hello you"}' in answer


async def test_in_pieces(serve: Serve) -> None:
    """However its bytes come."""
    app = await serve()
    data = post("{ hello }", "upgrade: websocket\r\nconnection: upgrade\r\n") + LAST
    assert statuses(await talk(app, *(data[at : at + 1] for at in range(len(data))))) == [200, 200]


@pytest.mark.parametrize(
    "changed",
    [
        {"upgrade": "h2c"},
        {"upgrade": "websocket, h2c"},
        {"sec_websocket_version": "8"},
        {"sec_websocket_version": None},
        {"sec_websocket_key": None},
        {"sec_websocket_key": "AAAA"},
        {"sec_websocket_key": "?"},
        {"content_length": "0005"},
    ],
    ids=str,
)
async def test_no_handshake(serve: Serve, changed: dict[str, str | None]) -> None:
    """A GET that isn't the whole handshake of a WebSocket is a GET."""
    body = b"12345" if "content_length" in changed else b""
    assert statuses(await talk(await serve(), get(**changed) + body + LAST)) == [200, 200]


async def test_http_1_0(serve: Serve) -> None:
    """There is no WebSocket over HTTP/1.0."""
    assert statuses(await talk(await serve(), get().replace(b"HTTP/1.1", b"HTTP/1.0"))) == [200]


async def test_connect(serve: Serve) -> None:
    """The gateway is no proxy."""
    assert statuses(await talk(await serve(), b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n")) == [400]


async def test_a_handshake(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole one opens a WebSocket, which is closed when no `connection_init` comes, also where the client doesn't confirm it."""
    made = WebSocketProtocol.connection_made

    def impatient(self: WebSocketProtocol, transport: Any) -> None:
        made(self, transport)
        self.close_timeout = 0.2

    monkeypatch.setattr(WebSocketProtocol, "connection_made", impatient)
    app = await serve(websocket_init_timeout=0.2)
    answer = await talk(app, get())
    assert statuses(answer) == [101]
    assert b"\x88" in answer


async def test_a_handshake_with_two_tokens(serve: Serve) -> None:
    """Which of them counts would be anybody's guess: 400."""
    answer = await talk(await serve(), get(authorization="Bearer other"))
    assert statuses(answer) == [400]
    assert b"Authorization: This header may be sent once only." in answer


async def test_a_handshake_with_thousands_of_sub_protocols(serve: Serve) -> None:
    """It is taken, and what is kept of them is little."""
    app = await serve()
    async with connected(app.address) as (reader, writer):
        writer.write(get(sec_websocket_protocol="graphql-transport-ws," + "ab," * 2_000))
        assert b" 101 " in await reader.readline()
        (connection,) = app.connections._open
        assert len(connection.scope["subprotocols"]) <= 16


async def test_a_handshake_with_too_long_a_header(serve: Serve) -> None:
    """What the WebSocket's own parser doesn't take is answered, and the connection closed."""
    assert statuses(await talk(await serve(), get(cookie="x" * 20_000))) == [400]


async def test_a_handshake_that_nobody_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a WebSocket that the application neither takes nor refuses has an end."""

    async def forget(*_: object) -> None:
        await asyncio.sleep(1_000)

    monkeypatch.setattr("gateway.live.socket.SocketEndpoint.__call__", forget)
    app = await serve(header_timeout=0.2, shutdown_timeout=1)
    assert statuses(await talk(app, get())) in ([], [500])


async def test_many_wishes_take_nothing(serve: Serve) -> None:
    """Of 250 clients that wish for a WebSocket by POST and stay, each is answered, and none is left when they have gone silent."""
    app = await serve(keep_alive=1, queue_size=250, queue_timeout=30)
    request = post("{ hello }", "upgrade: websocket\r\nconnection: upgrade\r\n")
    answers = await asyncio.gather(*(talk(app, request) for _ in range(250)))
    assert [statuses(answer) for answer in answers] == [[200]] * 250
    assert len(app.connections) == 0


def test_headers_on_several_lines() -> None:
    """`Connection` and `Upgrade` are lists, on as many lines as one likes; key and version are not."""
    lines = [(b"connection", b"keep-alive"), (b"connection", b"UPGRADE"), (b"upgrade", b"WebSocket")]
    lines += [(b"sec-websocket-version", b"13"), (b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==")]
    assert is_websocket(b"GET", "1.1", lines)
    assert not is_websocket(b"GET", "1.1", [*lines, lines[-1]])
    assert not is_websocket(b"GET", "1.1", [*lines, (b"transfer-encoding", b"chunked")])
