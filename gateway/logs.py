"""Structured logs on standard error: JSON lines, or something coloured for a terminal."""

import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, TypeAlias

import orjson
import structlog

from gateway.settings import Settings

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
#: The standard library's loggers whose lines are taken over: the servers' own, and the graph's; uvicorn's access log is ours to write.
FOREIGN: Final = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "asyncio", "schema")

LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
Line: TypeAlias = tuple[float, bytes, str, str, str, int, float, str | None, str | None, str | None]
"""An answered request: when (seconds since 1970), its id, method, path and route, the status sent, the seconds that it took, the
operation's name, the token's id, and the client's address."""

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
    """A line a request. In JSON it is written without structlog's processors, a quarter of their cost; the members are the same."""

    def __init__(self, settings: Settings, stream: BinaryIO | None = None) -> None:
        self.on = settings.access_log and LEVELS[settings.log_level] <= LEVELS["info"]
        self.json = settings.log_format == "json"
        self.stream = stream or sys.stderr.buffer
        self.log = structlog.get_logger()

    def write(self, lines: Sequence[Line]) -> None:
        """Tell of answered requests, by one call to the system. Their query strings are left out: they may hold what a log shouldn't."""
        if not self.on or not lines:
            return
        members = [_members(line) for line in lines]
        if self.json:
            self.stream.write(b"".join([orjson.dumps(line, option=LINE, default=str) for line in members]))
            self.stream.flush()
            return
        for line in members:
            self.log.info(**{name: value for name, value in line.items() if name not in {"level", "timestamp"}})


def _members(line: Line) -> dict[str, Any]:
    at, request_id, method, path, route, status, seconds, operation, token, client = line
    return {
        "event": "request",
        "level": "info",
        "timestamp": datetime.fromtimestamp(at, UTC),
        "request_id": request_id.decode(),
        "method": method,
        "path": path,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 3),
        "operation": operation,
        "token": token,
        "client": client,
    }
