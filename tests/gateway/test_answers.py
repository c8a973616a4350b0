"""How answers are written: what a client's socket gets, and in how many pieces."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from gateway.server.answers import Answers


class Transport:
    """Keeps what is written, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        self.pieces.append(bytes(data))

    def writelines(self, pieces: Sequence[bytes]) -> None:
        self.pieces.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True


def opened(*, chunked: bool = False, started: bool = True) -> tuple[Answers, Transport, Any]:
    """A connection whose request is being answered."""
    transport = Transport()
    cycle = SimpleNamespace(response_started=started, chunked_encoding=chunked, transport=transport)
    answers = Answers(SimpleNamespace(transport=transport, cycle=cycle))  # type: ignore[arg-type]
    answers.begin(cycle)  # type: ignore[arg-type]
    return answers, transport, cycle


def test_head_and_body_are_one_piece() -> None:
    """A client gets an answer in one packet; what comes behind it goes as it comes."""
    answers, transport, _ = opened()
    for piece in (b"head", b"body", b"more"):
        answers.write(piece)
    assert transport.pieces == [b"headbody", b"more"]


def test_a_streams_head_goes_at_once() -> None:
    """Who follows events learns that the stream has begun before there is one."""
    answers, transport, _ = opened(chunked=True)
    answers.write(b"head")
    assert transport.pieces == [b"head"]


def test_continue_goes_at_once() -> None:
    """`100 Continue` is no head: a client waits for it with the body that the answer waits for."""
    answers, transport, cycle = opened(started=False)
    answers.write(b"continue")
    cycle.response_started = True
    answers.write(b"head")
    answers.write(b"body")
    assert transport.pieces == [b"continue", b"headbody"]


def test_a_head_alone_is_written_in_the_end() -> None:
    """The answer to HEAD has no body: it goes when the answer is complete, or the connection is closed, and once only."""
    answers, transport, cycle = opened()
    answers.write(b"head")
    assert transport.pieces == []
    answers.flush()
    answers.flush()
    answers.begin(cycle)
    answers.write(b"next")
    answers.close()
    assert (transport.pieces, transport.closed) == ([b"head", b"next"], True)
