"""Structured logs on standard error: JSON lines, or something coloured for a terminal."""

import asyncio
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import orjson
import structlog
from starlette.types import Scope

from gateway.settings import Settings

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
#: The standard library's loggers whose lines are taken over: the servers' own, and the graph's; uvicorn's access log is ours to write.
FOREIGN: Final = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "asyncio", "schema")

LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
#: How long a line of the access log may wait for others, in seconds, and how many wait at most.
WAIT_SECONDS: Final = 0.05
WAITING: Final = 100

SOCKETS: Final = re.compile(r"connection |.*WebSocket").match


def configure(settings: Settings) -> None:
    """Send the logs of this process, uvicorn's and asyncio's too, to standard error in the wished form."""
    shared: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    last: Any = (
        structlog.processors.JSONRenderer(_dumps)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last] if settings.log_format == "json" else [*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_plain, last], foreign_pre_chain=shared))
    for name in FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(max(LEVELS[settings.log_level], logging.INFO))
    # Of each socket they tell that it was opened, with its query string, which some clients put a token into.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno > logging.INFO or not SOCKETS(str(record.msg)))
    logging.getLogger("uvicorn.access").disabled = True


def _plain(logger: Any, name: str, event: Any) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()


class AccessLog:
    """A line a request. In JSON it is written without structlog's processors, a quarter of their cost; the members are the same.

    Lines that are due within a moment are written together, by one call to the system.
    """

    def __init__(self, settings: Settings, stream: BinaryIO | None = None) -> None:
        self.on = settings.access_log and LEVELS[settings.log_level] <= LEVELS["info"]
        self.json = settings.log_format == "json"
        self.stream = stream or sys.stderr.buffer
        self.log = structlog.get_logger()
        self.waiting: list[bytes] = []

    def write(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        """Tell of an answered request. The query string is left out: it may hold what a log shouldn't."""
        if not self.on:
            return
        state = scope["state"]
        caller = state.get("caller")
        client = scope.get("client")
        line = {
            "event": "request",
            "level": "info",
            "timestamp": datetime.now(UTC),
            "request_id": state["request_id"].decode(),
            "method": scope["method"],
            "path": scope["path"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "operation": state.get("operation"),
            "token": caller.token_id if caller is not None else None,
            "client": client[0] if client else None,
        }
        if self.json:
            self._wait(orjson.dumps(line, option=LINE, default=str))
        else:
            self.log.info(**{name: value for name, value in line.items() if name not in {"level", "timestamp"}})

    def _wait(self, line: bytes) -> None:
        if not self.waiting:
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self.flush)
        self.waiting.append(line)
        if len(self.waiting) >= WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self.waiting:
            lines, self.waiting = b"".join(self.waiting), []
            self.stream.write(lines)
            self.stream.flush()
