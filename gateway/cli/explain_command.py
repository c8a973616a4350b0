"""`gateway explain`: the plan of an operation, without a database."""

import os
import sys
from pathlib import Path

from gateway.edge.decoder import StrictJsonError, decode
from gateway.environment import of_file
from gateway.graph_settings import graph_of
from gateway.settings import Settings
from schema.engine.document.documents import RequestError
from schema.rules.access import Caller, Role
from schema.rules.errors import GatewayError
from schema.storage.opening import open_database
from schema.values import Object

from .terminal import CommandError


def explained(settings: Settings, file: Path, variables: str, operation: str | None) -> str:
    """The plan of an operation as text. Raises CommandError."""
    try:
        text = _text(file)
        graph, given = graph_of(settings, open_database(settings.database_url)), json_object("--variables", variables)
        return graph.explain(graph.prepare(text, operation), given, Caller("ws_any", Role.ADMIN, None, None, "key_any"))
    except OSError as error:
        raise CommandError(of_file(error)) from None
    except (RequestError, GatewayError, ValueError) as error:
        raise CommandError(str(error)) from None


def _text(file: Path) -> str:
    """Return the text of a file, or of standard input for `-`. Raises OSError, and ValueError for what is no text."""
    try:
        return (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{file}: it is no text in UTF-8: save it as such") from None


def json_object(option: str, text: str) -> Object:
    """Return the JSON object in an option's text, parsed as strictly as a request's body. Raises ValueError."""
    try:
        value = decode(os.fsencode(text))
    except StrictJsonError as error:
        raise ValueError(f"{option}: {error}") from None
    if isinstance(value, dict):
        return value
    raise ValueError(f"{option}: give a JSON object")
