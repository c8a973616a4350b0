"""uvicorn's server and supervisor with an orderly end: whoever is connected is answered before the port is gone.

A connection is made by the kernel, before anybody here knows of it, and reset when the last one who holds its port lets go. So what the
kernel has made is taken first; and the last one is a worker, never the supervisor, who answers nobody.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from gateway.observability.metrics import MULTIPROCESS

#: Seconds that a worker answers on at most until the supervisor has closed the port, which takes half a second, or more on a busy machine.
RELEASE_SECONDS: Final = 10.0


class Server(uvicorn.Server):
    """Takes the connections that wait at the port before it closes it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ports: list[socket.socket] = []
        #: Set when the supervisor holds the port no more, or has other workers for it.
        self.released = threading.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # The event loop closes those that it was given when it comes to it; these are closed right after the last look for connections.
        for port in sockets or ():
            # Other workers listen on it already: a copy of one that Python takes for blocking would make it so for all of them.
            port.settimeout(0)
            self._ports.append(port.dup())
        await super().startup(sockets)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.workers > 1:
            await asyncio.to_thread(self.released.wait, RELEASE_SECONDS)
        for server in self.servers:
            server.close()
        for port in sockets or ():
            port.close()
        waiting = [connection for port in self._ports for connection in _close(port)]
        for connection in waiting:
            await self._serve_accepted(connection)
        # Those that the event loop had just taken become known in its next turn.
        await asyncio.sleep(0)
        await super().shutdown(sockets)

    async def _serve_accepted(self, connection: socket.socket) -> None:
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _close(port: socket.socket) -> Sequence[socket.socket]:
    """Return the connections that nobody has accepted yet. Between the last look for one and the end of the port nothing else is done."""
    found = []
    with port, suppress(OSError):  # There is none left, or no descriptor.
        while True:
            connection, _ = port.accept()
            connection.settimeout(0)
            found.append(connection)
    return found


class Worker(multiprocess.Process):
    """One of several serving processes."""

    @override
    def start(self) -> None:
        super().start()
        # This end is the worker's. As long as it is open here, too, the supervisor waits out its time for a worker that has ended.
        self.child_conn.close()

    @override
    def target(self, sockets: list[socket.socket] | None = None) -> None:
        # Before the thread that answers the supervisor looks for it.
        self._server = Server(self.config)
        # The supervisor's end came with the rest of this object; only its own may keep the connection open.
        self.parent_conn.close()
        super().target(sockets)

    @override
    def always_pong(self) -> None:
        """Answer the supervisor until it closes the connection, which it does after it closed the port, or when it has ended."""
        with suppress(EOFError, OSError):
            super().always_pong()
        if isinstance(self._server, Server):
            self._server.released.set()

    @override
    def kill(self) -> None:
        """The supervisor has found this worker dead, or without a sign of life."""
        code = self.exitcode
        if code is None:
            structlog.get_logger().error("A worker gives no sign of life: it is killed, and another one takes its place.", pid=self.pid)
        elif code != STARTUP_FAILURE:  # uvicorn tells that
            structlog.get_logger().error("A worker has died: another one takes its place.", pid=self.pid, **_end(code))
        super().kill()

    @override
    def join(self) -> None:
        super().join()
        if MULTIPROCESS in os.environ:
            # Its connections are gone.
            mark_process_dead(self.pid)  # type: ignore[no-untyped-call]


def _end(code: int) -> dict[str, int | str]:
    """Return how a process ended, for the log: a negative exit code is the signal that ended it."""
    return {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}


class Supervisor(multiprocess.Multiprocess):
    """Starts workers, and replaces those that end. When it stops it closes the port first."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        # uvicorn's supervisor makes its workers by this name.
        multiprocess.Process = Worker  # type: ignore[misc]
        super().__init__(config, sockets)

    @override
    def terminate_all(self) -> None:
        for port in self.sockets:
            port.close()
        super().terminate_all()
