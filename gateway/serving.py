"""Serving on a port: uvicorn on uvloop and httptools where there are, any number of processes, and an orderly stop."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from gateway import VERSION
from gateway.app import Application, create_app
from gateway.observability import logs
from gateway.observability.metrics import MULTIPROCESS
from gateway.server.graceful_stop import Server, Supervisor
from gateway.server.websocket_protocol import WebSocketProtocol
from gateway.settings import Settings, unknown_variables
from gateway.settings_advice import advice, sqlite_advice
from schema.administration.keys import ApiKeys
from schema.storage.database import Database, ReadOnly
from schema.values import Value

try:
    from gateway.server.http_protocol import HttpProtocol
except ImportError:  # Windows has no httptools: h11 then, without its time limits.
    HttpProtocol = None  # type: ignore[assignment,misc]

GENERATION_0 = 100_000
#: mallopt(3) of glibc: from so many bytes on a block is mapped by itself.
M_MMAP_THRESHOLD, LARGE_BLOCK = -3, 131_072
#: For a worker to start, on a busy machine too, before its restart is given up; and to give a sign of life, before it is replaced.
WORKER_SECONDS = 30


def serve(settings: Settings, sockets: Sequence[socket.socket], built: Application | None = None, *, demo_token: str | None = None) -> None:
    """Serve on bound `sockets` until SIGTERM or SIGINT. Raises SystemExit when it can't start.

    `built` is the application, if it is made already; each of several processes makes its own.
    """
    logs.configure(settings)
    config = config_of(settings, partial(application, settings, demo_token, built if settings.workers == 1 else None))
    for line in (*unknown_variables(os.environ), *advice(settings), *sqlite_advice(settings)):
        structlog.get_logger().warning(line)
    structlog.get_logger().info(f"Serving version {VERSION} on {settings.address}, Ctrl-C stops it.")
    if settings.workers == 1:
        Server(config).run([*sockets])
        return
    with tempfile.TemporaryDirectory(prefix="gateway-metrics-") as folder:
        os.environ[MULTIPROCESS] = folder
        supervisor = Supervisor(config, [*sockets])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


def config_of(settings: Settings, factory: Callable[[], ASGIApp]) -> uvicorn.Config:
    """Return uvicorn's configuration for the application that `factory` makes."""
    return uvicorn.Config(
        factory,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http="auto" if HttpProtocol is None else HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=settings.websocket_message_limit,
        ws_ping_interval=settings.heartbeat,
        ws_ping_timeout=settings.heartbeat,
        # Compression costs each socket memory and each message time, for messages this small.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.shutdown_timeout,
        timeout_worker_healthcheck=WORKER_SECONDS,
    )


def application(settings: Settings, demo_token: str | None, built: Application | None = None) -> ASGIApp:
    """The application of one serving process."""
    logs.configure(settings)
    app = built or create_app(settings, demo_token=demo_token)
    app.at_start += [_give_back_large_blocks, _freeze, partial(_stop_in_order, app)]
    return app.asgi


def _give_back_large_blocks() -> None:
    """Memory of large answers goes back to the system when it is free: by itself glibc keeps blocks of a size that was freed before."""
    with contextlib.suppress(AttributeError, TypeError):  # other libraries have no mallopt
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _freeze() -> None:
    """Objects that exist at the start stay: the garbage collector needn't look at them again, nor so often at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GENERATION_0, *gc.get_threshold()[1:])


def _stop_in_order(app: Application) -> None:
    """On SIGTERM, SIGINT, SIGHUP: not ready any more, after `shutdown_delay` end the streams, only then let uvicorn close the port."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_on_signal, app, loop, signal.getsignal(number)))
    # A terminal that is closed, or a habit of reloading by it, would else end the process in the midst of its answers; `nohup` ignores it.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _on_signal(app: Application, loop: asyncio.AbstractEventLoop, then: Value, number: int, frame: FrameType | None) -> None:
    if app.stopping:
        # A second time: at once. A worker that its group was signalled with gets the supervisor's SIGTERM, too, which asks for no haste.
        if app.settings.workers == 1 or number == signal.SIGINT:
            then(number, frame)
        return
    app.stopping = True

    def end() -> None:
        app.closing.set()
        then(number, frame)

    loop.call_soon_threadsafe(loop.call_later, app.settings.shutdown_delay, end)


async def advise(settings: Settings, database: Database) -> None:
    """Says what is missing for a first call, if anything is, and whether the database takes no writes."""
    try:
        await database.check()
    except ReadOnly as error:
        structlog.get_logger().warning(f"The database takes no writes: {error}. The gateway is not ready until it does.")
    if not settings.takes_jwts and not await ApiKeys(database).list():
        structlog.get_logger().warning("There is no API key yet. Make one by: gateway token create --workspace NAME --role admin")
