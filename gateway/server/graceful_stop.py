"""uvicorn's server and supervisor with an orderly end: whoever is connected is answered before the port is gone.

A connection is made by the kernel, before anybody here knows of it, and reset when the last one who holds its port lets go. So what the
kernel has made is taken first; and the last one is a worker, never the supervisor, who answers nobody.
"""

import asyncio
import os
import signal
import socket
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

#: Seconds that a worker goes on after it is told to stop: by then the supervisor, which checks twice a second, has closed the port.
WORKER_SECONDS: Final = 0.7


class Server(uvicorn.Server):
    """Takes the connections that wait at the port before it closes it."""

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.workers > 1:
            await asyncio.sleep(WORKER_SECONDS)
        waiting = [connection for port in sockets or () for connection in _waiting(port)]
        for server in self.servers:
            server.close()
        for port in sockets or ():
            port.close()
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


def _waiting(port: socket.socket) -> Sequence[socket.socket]:
    """The connections that nobody has accepted yet."""
    found = []
    with suppress(OSError):  # There is none left, or no descriptor.
        while True:
            connection, _ = port.accept()
            connection.settimeout(0)
            found.append(connection)
    return found


class Worker(multiprocess.Process):
    """One of several serving processes."""

    @property
    @override
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(self.config)
        return self._server

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
