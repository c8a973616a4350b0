"""Structured logs on standard error: JSON lines, or something coloured for a terminal. Whoever writes a line, it has this one form."""

import json
import logging
import re
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, AnyStr, BinaryIO, Final, Generic

import orjson
import structlog

from gateway.settings import Settings
from schema.values import Value

from .log_lines import AnsweredRequest, clean, members

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
#: The loggers whose information is logged; of all others only warnings and errors are.
TALKATIVE: Final = ("uvicorn", "gateway", "schema", "rest_compat")

LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
SOCKETS: Final = re.compile(r"connection |.*WebSocket").match
#: uvicorn logs this as the server's error, but it is the client's, whose socket is closed with code 1007.
CLIENTS: Final = "Invalid UTF-8 sequence received from client."


class LogStream(Generic[AnyStr]):
    """Where lines are written to. Those that can't be written, to a full disk or where the reader has left, are lost.

    Otherwise the answer that a line is about would be lost, too.
    """

    def __init__(self, stream: IO[AnyStr]) -> None:
        self._stream: IO[AnyStr] = stream

    def write(self, text: AnyStr) -> None:
        """Write a text, if that is possible."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Hand on what was written, if that is possible."""
        with suppress(OSError):
            self._stream.flush()


def configure(settings: Settings) -> None:
    """Send the logs of this process, whichever library they come from, to standard error in the wished form.

    Tracebacks tell files and lines, never what variables held: tokens are among that.
    """
    shared: list[Value] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    last = _json() if is_json(settings) else _console()
    stream: Value = LogStream(sys.stderr)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_plain, *last], foreign_pre_chain=shared))
    _take_over(handler, max(LEVELS[settings.log_level], logging.INFO))


def hide_variables() -> None:
    """Keep what variables held out of the tracebacks of a program that has not said how structlog tells: by itself that shows them."""
    if not structlog.is_configured():
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], *_console()])


def is_json(settings: Settings) -> bool:
    """Whether lines are for programs: that is so unless a person looks at them, or it was said otherwise."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())


def _json() -> list[Value]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)]


def _console() -> list[Value]:
    # The renderer's own choice shows the variables of each call.
    return [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _on_one_line(_logger: Value, _name: str, event: Value) -> Value:
    """Escape line breaks and terminal codes in an event's texts, so that clients and libraries can't forge log lines."""
    return {name: clean(value) if isinstance(value, str) else value for name, value in event.items()}


def _take_over(handler: logging.Handler, level: int) -> None:
    """Every logger's lines, and what Python itself would print."""
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in [*logging.root.manager.loggerDict, *TALKATIVE]:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(level)
    # They log each opened socket with its query string, into which some clients put a token.
    logging.getLogger("uvicorn.error").filters = [_is_ours]
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_error
    sys.unraisablehook = _log_unraisable


def _log_thread_error(end: threading.ExceptHookArgs) -> None:
    if end.exc_value is not None and end.exc_type is not SystemExit:
        name = end.thread.name if end.thread else None
        structlog.get_logger().error("A thread was ended by a defect.", thread=name, exc_info=end.exc_value)


def _log_unraisable(found: "sys.UnraisableHookArgs") -> None:
    about = type(found.object).__name__
    structlog.get_logger().error(found.err_msg or "A defect where nobody could be told.", about=about, exc_info=found.exc_value)


def _plain(logger: Value, name: str, event: Value) -> Value:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)


def _dumps(value: Value, **_: object) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # A lone surrogate, or a number beyond 64 bits: no reason to lose the line.
        return json.dumps(value, default=str)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.msg != CLIENTS and (record.levelno > logging.INFO or not SOCKETS(str(record.msg)))


class AccessLog:
    """A line a request. In JSON it is written without structlog's processors, a quarter of their cost; the members are the same."""

    def __init__(self, settings: Settings, stream: BinaryIO | None = None) -> None:
        self.on = settings.access_log and LEVELS[settings.log_level] <= LEVELS["info"]
        self.json = is_json(settings)
        self.stream = LogStream(stream or sys.stderr.buffer)
        self.log = structlog.get_logger()

    def write(self, lines: Sequence[AnsweredRequest]) -> None:
        """Tell of answered requests, by one call to the system. Their query strings are left out: they may hold what a log shouldn't."""
        if not self.on or not lines:
            return
        entries = [members(line) for line in lines]
        if self.json:
            self.stream.write(b"".join([orjson.dumps(line, option=LINE, default=str) for line in entries]))
            self.stream.flush()
            return
        for line in entries:
            self.log.info(**{name: value for name, value in line.items() if name not in {"level", "timestamp"}})
