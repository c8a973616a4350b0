"""Why a server can't be connected to, in words, and what to look at: for the log, the command line and `gateway doctor`."""

import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from schema.values import Object

_WHY: Final[Sequence[tuple[type[Exception], str]]] = (
    (TimeoutError, "it did not answer in time"),
    (ConnectionRefusedError, "nothing listens there"),
    (socket.gaierror, "there is no host of this name"),
    (UnicodeError, "there is no host of this name"),
    (FileNotFoundError, "a socket or a file that the address names isn't there"),
)
"""Explanations of Python's errors, where their own messages say less."""

_REMEDIES: Final[Sequence[tuple[Sequence[str], str]]] = (
    (("startup parameter",), "the pooler doesn't take the session's settings; docs/deploying.md says how PgBouncer is set"),
    (("configuration parameter", "parameter must be"), "look at what stands behind the ? in GATEWAY_DATABASE_URL"),
    (("password", 'role "', "authentication"), "look at user and password in GATEWAY_DATABASE_URL"),
    (("does not exist",), "make the database by createdb, or look at its name in GATEWAY_DATABASE_URL"),
    (("too many clients", "connection slots"), "lower GATEWAY_POOL_SIZE or GATEWAY_WORKERS, or raise max_connections"),
    (("starting up", "shutting down"), "try again in a moment"),
    (("SSL", "ssl", "certificate"), "look at sslmode and the files of certificates in GATEWAY_DATABASE_URL"),
)
_REMEDY: Final = "is the server running, and is GATEWAY_DATABASE_URL its address?"
"""The remedy, by words in the message; otherwise the last one."""


def explain_failure(error: Exception, place: str) -> str:
    """A sentence: where, why, what to look at."""
    why = next((words for kind, words in _WHY if isinstance(error, kind)), "") or _own_words(error)
    remedy = next((told for marks, told in _REMEDIES if any(mark in why for mark in marks)), _REMEDY)
    return f"{place}: {why}: {remedy}"


def _own_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, asyncpg.PostgresError):
        return error.args[0] if error.args else type(error).__name__
    return str(error) or type(error).__name__


def place_of(url: str, host: Object) -> str:
    """Return the place of a server: `host` as `hosts` gives it, else from the address, without user and password."""
    if host:
        return f"{host['host']}:{host['port']}"
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return parts.netloc.rpartition("@")[2] or query.get("host", ["PostgreSQL on this machine"])[-1]
