"""What waits to be sent is bounded in bytes: for each client, and for all clients of a process."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.edge.unsent_bytes import UnsentBytes
from gateway.live.outbox import SMALL, Outbox, SlowReader
from rest_compat.errors import Unavailable
from tests.connecting import PATIENCE, until
from tests.gateway.conftest import Serve
from tests.gateway.test_socket import Socket, dial, subscribe


def is_waiting(task: "asyncio.Task[None]") -> bool:
    return not task.done()


async def turn() -> None:
    """What is ready runs."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_room_is_given_in_turn() -> None:
    """Who waits longest is served first, also where a later one would fit; who gives up is passed over, and takes nothing."""
    unsent = UnsentBytes(100)
    unsent.add(60)
    large, gone, small = (asyncio.create_task(unsent.wait(count)) for count in (80, 10, 20))
    await turn()
    assert all(map(is_waiting, (large, gone, small)))
    gone.cancel()
    unsent.remove(60)
    await turn()
    assert (large.done(), small.done(), unsent.bytes) == (True, True, 100)
    unsent.remove(100)
    assert unsent.bytes == 0


async def test_what_is_larger_than_the_limit() -> None:
    """It is sent alone."""
    unsent = UnsentBytes(100)
    await unsent.wait(500)
    waiting = asyncio.create_task(unsent.wait(1))
    await turn()
    assert is_waiting(waiting)
    unsent.remove(500)
    await waiting
    assert (unsent.bytes, unsent.answers) == (1, 1)


async def test_room_that_comes_as_its_task_is_cancelled() -> None:
    """It is given back."""
    unsent = UnsentBytes(100)
    unsent.add(100)
    waiting = asyncio.create_task(unsent.wait(100))
    await turn()
    unsent.remove(100)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert unsent.bytes == 0


async def test_an_outbox_counts_bytes() -> None:
    """It is full by its bytes before it is by its number; a message that is larger than all of it passes alone; order is kept."""
    unsent = UnsentBytes(10_000)
    outbox = Outbox(100, 1_000, 0.05, unsent)
    for number in range(2):
        await outbox.put(b"%d" % number * 500)
    with pytest.raises(SlowReader):
        await outbox.put(b"2")
    waiting = asyncio.create_task(outbox.put(b"L" * 5_000))
    for number in range(2):
        message = await outbox.get()
        assert message.data == b"%d" % number * 500
        outbox.sent()
    await waiting
    assert (await outbox.get()).data[:1] == b"L"
    # Taken and not yet sent, it still counts.
    assert unsent.bytes == 5_000
    outbox.close()
    assert unsent.bytes == 0


async def test_an_outbox_of_few() -> None:
    """It is full by its number, too."""
    outbox = Outbox(2, 1_000, 0.05, UnsentBytes(10_000))
    await outbox.put(b"a")
    await outbox.put(b"b")
    with pytest.raises(SlowReader):
        await outbox.put(b"c")


async def test_others_fill_the_process() -> None:
    """Who has nothing waiting may always add a small message; a large one waits for the others, and not for ever."""
    unsent = UnsentBytes(1_000)
    unsent.add(1_000)
    outbox = Outbox(100, 10 * SMALL, 0.05, unsent)
    await outbox.put(b"s" * SMALL)
    await outbox.get()
    outbox.sent()
    with pytest.raises(SlowReader):
        await outbox.put(b"l" * (SMALL + 1))
    assert unsent.bytes == 1_000


class Held:
    """A connection that holds room, slowly since a time or not at all."""

    def __init__(self, unsent: UnsentBytes, size: int, since: float | None) -> None:
        self.unsent, self.size, self.since = unsent, size, since
        self.gone = False
        unsent.add(size)
        unsent.readers.add(self)

    def slow_since(self) -> float | None:
        return self.since

    def drop(self) -> None:
        self.gone = True
        asyncio.get_running_loop().call_soon(self.unsent.remove, self.size)


async def test_the_oldest_go_first() -> None:
    """No more slow readers are dropped than have to be, those who have held room for longest first, and none who reads."""
    unsent = UnsentBytes(100)
    late, quick, early = Held(unsent, 30, 7.0), Held(unsent, 30, None), Held(unsent, 30, 3.0)
    unsent.add(40)
    await unsent.make_room()
    assert [one.gone for one in (late, quick, early)] == [False, False, True]
    unsent.add(60)
    with pytest.raises(Unavailable):
        await unsent.make_room()
    assert [one.gone for one in (late, quick)] == [True, False]


async def test_room_for_who_waits() -> None:
    """Who waits in line gets the room of slow readers, also of those who become slow only then."""
    unsent = UnsentBytes(100)
    held = Held(unsent, 100, None)
    waiting = asyncio.create_task(unsent.wait(50))
    await turn()
    assert is_waiting(waiting)
    held.since = 1.0
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert (held.gone, unsent.bytes) == (True, 50)


async def test_many_readers_that_stop(serve: Serve) -> None:
    """What waits for all of them stays below the process's limit, a reader who reads is served meanwhile, and nothing stays counted."""
    app = await serve(max_unsent=300_000, slow_reader_timeout=0.5, websocket_queue_bytes=200_000)
    async with AsyncExitStack() as stack:
        healthy = await Socket(await stack.enter_async_context(dial(app))).started()
        stuck = [await Socket(await stack.enter_async_context(dial(app))).started() for _ in range(6)]
        for socket in stuck:
            socket.connection.transport.pause_reading()
            await socket.say(subscribe("subscription { wide(to: 5000) }"))
        most = 0
        async with asyncio.timeout(PATIENCE):
            while app.metrics.sockets._value.get() > 1:
                await healthy.say(subscribe("{ hello }"))
                assert [(await healthy.hear())["type"], (await healthy.hear())["type"]] == ["next", "complete"]
                most = max(most, app.unsent.bytes)
                # Below its budget of frames.
                await asyncio.sleep(0.01)
        # What waits in a connection counts by itself, beside the message that waits for it.
        assert most <= 300_000 + 7 * (2 * SMALL + 10_000)
        for socket in stuck:
            socket.connection.transport.abort()
    await until(lambda: not app.unsent.bytes)
