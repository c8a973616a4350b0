"""`gateway translate --verify`: to whom the token is shown."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gateway.cli.translate_commands import _ask


@pytest.fixture
def leading_on() -> Iterator[tuple[str, list[str | None]]]:
    """The address of a server that leads on to another name of its own, and the tokens that it is shown there."""
    shown: list[str | None] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/there":
                shown.append(self.headers["Authorization"])
            self.send_response(200 if self.path == "/there" else 302)
            self.send_header("Location", f"http://localhost:{server.server_port}/there")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the library calls it so
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", shown
        server.shutdown()
        thread.join()


def test_a_redirect_does_not_get_the_token(leading_on: tuple[str, list[str | None]]) -> None:
    """The command ends and says where it leads: the token is for the address that was typed."""
    address, shown = leading_on
    with pytest.raises(OSError, match="answers with a redirect to http://localhost:"):
        _ask(f"{address}/api/opportunities/", "pk_live_secret", "GET", None)
    assert shown == []
