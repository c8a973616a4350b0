"""Reads environment variables: secrets from files, database addresses, unknown names, and values that can't be intended."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from schema.values import Object, Values

PREFIX: Final = "GATEWAY_"
FILE: Final = "_file"
MOST_SECRET_BYTES: Final = 65_536
HIGHEST_PORT: Final = 65_535

_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::(?P<port>.*))?", re.DOTALL)
_OPTIONS: Final = re.compile(r"\?\w+=")
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)

#: What is wrong with a value, by the settings library's name for it.
WORDS: Final[Mapping[str, str]] = {
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a smaller number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "finite_number": "write a number",
    "bool_parsing": "write true or false",
    "greater_than": "write a number above {gt:g}",
    "greater_than_equal": "write {ge:g} or more",
    "less_than_equal": "write {le:.10g} or less",
    "string_too_short": "it is empty: write a value, or leave it out",
    "too_short": "it is empty: write a value, or leave it out",
    "date_from_datetime_parsing": "write a day, as in 2027-06-30",
    "date_from_datetime_inexact": "write a day, as in 2027-06-30",
    "date_parsing": "write a day, as in 2027-06-30",
    "literal_error": "write {expected}",
}


def variable(name: str) -> str:
    """The environment's name of a setting."""
    return PREFIX + name.upper()


def sentence(fault: Values, flags: Collection[str]) -> str:
    """An error of pydantic as one sentence that names the variable, or the flag if it is one of `flags`; values are not shown."""
    words = WORDS.get(fault["type"])
    message = words.format(**fault.get("ctx", {})) if words else str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return message
    name = str(fault["loc"][0])
    return f"{'--' + name.replace('_', '-') if name in flags else variable(name)}: {message}"


def unknown(names: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """A sentence for each of the environment's `names` that looks like a setting but is unknown, with the most similar setting."""
    known = {variable(setting) for setting in settings}
    for name in sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known):
        near = get_close_matches(name.upper(), known, 1, 0.8)
        yield f"{name} is no setting and is ignored" + (f": is {near[0]} meant?" if near else ".")


def with_secrets(given: Object, names: Collection[str]) -> Object:
    """Return `given` with the secrets that are read from files, for these `names`. Raises ValueError if one is given both ways."""
    for name in names:
        path = given.get(name + FILE)
        if path and given.get(name):
            raise ValueError(f"{variable(name)} and {variable(name + FILE)} are both set: set one of them")
        if path:
            given = {**given, name: _read(Path(path), variable(name + FILE))}
    return {name: value for name, value in given.items() if value is not None}


def over_environment(given: Object, secrets: Collection[str]) -> Object:
    """Flags, and nothing in place of what they leave out of a secret: they count before the environment, however that gives it."""
    other = {name: name + FILE for name in secrets} | {name + FILE: name for name in secrets}
    return {**{other[name]: None for name in given if name in other and other[name] not in given}, **given}


def _read(path: Path, name: str) -> str:
    """A secret without the end of its line, which editors add."""
    try:
        with path.open("rb") as file:
            found = file.read(MOST_SECRET_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "it is no text"
        raise ValueError(f"{name}: {path} can't be read: {why}") from None
    secret = found.rstrip("\r\n")
    if not secret or len(found) > MOST_SECRET_BYTES:
        raise ValueError(f"{name}: {path} holds no secret")
    return secret


def of_file(error: OSError) -> str:
    """Return a file error as text: the file, and the operating system's message."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{(error.strerror or str(error)).lower()}"


def without_password(address: str) -> str:
    """An address of a database as it may be shown."""
    scheme, found, rest = address.partition("://")
    account, at, place = rest.rpartition("@")
    return f"{scheme}{found}{account.partition(':')[0]}{at}{place.partition('?')[0]}"


def database_address(value: str) -> str:
    """The address of a database as the drivers take it. Raises ValueError, without the address: a password may be in it."""
    scheme, found, rest = value.partition("://")
    if not found or scheme not in {"sqlite", "postgresql", "postgres"} or (scheme == "sqlite" and rest in {"", "/", "/:memory:"}):
        # Without a file each connection of SQLite would have a database of its own.
        raise ValueError("write sqlite:///path or postgresql://user:password@host/name")
    if scheme == "sqlite":
        if not rest.startswith("/"):
            raise ValueError("write sqlite:///path: with three slashes, or four before an absolute path")
        if _OPTIONS.search(rest):
            raise ValueError("write sqlite:///path: without ? and options, since all of it would be the file's name")
        return value
    for host in re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].split(","):
        match = _HOST.fullmatch(host)
        port = match["port"] if match else ""
        if port is not None and not (_PORT.fullmatch(port) and 0 < int(port) <= HIGHEST_PORT):
            raise ValueError(f"the port is a number from 1 to {HIGHEST_PORT}; in a password write : as %3A, / as %2F, @ as %40")
    return f"postgresql://{rest}"
