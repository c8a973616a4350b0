"""Types of settings' values: bounded numbers and times, host names, addresses."""

import re
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

import limits
from pydantic import AfterValidator, Field, PlainValidator, SecretStr
from pydantic_settings import NoDecode

from schema.values import Value

#: An address that a header can hold: no blanks, no control characters, no angle brackets.
_ADDRESS: Final = re.compile(r"https?://[!-;=?-~]+")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+", re.IGNORECASE)
_HOST: Final = re.compile(r"\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)

#: Beyond it databases and clocks can't count, or a wait has no end.
_MOST: Final = 2**31 - 1
_MOST_SECONDS: Final = 86_400
_MOST_DAYS: Final = 36_500
#: PostgreSQL counts milliseconds, and takes 0 for no limit.
_LEAST_SECONDS: Final = 0.01


def _split(value: Value) -> Value:
    """Lists are written with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part for part in (str(part).strip() for part in parts) if part)


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"'{origin}' is no origin; write scheme://host[:port]")
    return value


def _hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("write at least one name, or * for any")
    for name in value:
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"'{name}' is no host name; write it without scheme, port and path, as in crm.example.com, *.example.com or [::1]"
            )
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks, as uvicorn compares them: what it can't read would be believed from nobody."""
    return value if value == ("*",) else tuple(map(_network, value))


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError(f"'{value}' is no address; write addresses or networks, as in 10.0.0.7 or 172.28.0.0/24{_meant(value)}") from None
    return value


def _meant(value: str) -> str:
    """The network of an address inside it, which is easily given in its place."""
    try:
        return f"; is {ip_network(value, strict=False)} meant?"
    except ValueError:
        return ""


def _address(value: str | None) -> str | None:
    if value and not (_ADDRESS.fullmatch(value) and _has_host(value)):
        raise ValueError("write http://… or https://…")
    return value or None


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket that isn't closed
        return False


def _base(value: str | None) -> str | None:
    """An address that paths are put behind."""
    value = _address(value)
    if value and ({*"?#"} & {*value} or "@" in urlsplit(value).netloc):
        raise ValueError("write http://… or https://… with host and path alone: no user, ? or #")
    return value.rstrip("/") if value else None


def _rate(value: str | None) -> str | None:
    if value:
        try:
            found = limits.parse_many(value)
        except ValueError:
            found = []
        if len(found) != 1 or not found[0].amount or found[0].get_expiry() > _MOST:
            raise ValueError("write one number above 0 and a time, as in 300/minute")
    return value or None


Count = Annotated[int, Field(ge=0, le=_MOST)]
Positive = Annotated[int, Field(gt=0, le=_MOST)]
Workers = Annotated[int, Field(gt=0, le=1_024)]
Pool = Annotated[int, Field(gt=0, le=10_000)]
Days = Annotated[int, Field(gt=0, le=_MOST_DAYS)]
Seconds = Annotated[float, Field(ge=_LEAST_SECONDS, le=_MOST_SECONDS)]
FewSeconds = Annotated[float, Field(ge=_LEAST_SECONDS, le=60)]
SecondsOrNone = Annotated[float, Field(ge=0, le=_MOST_SECONDS)]
WholeSeconds = Annotated[int, Field(gt=0, le=_MOST_SECONDS)]
Text = Annotated[str, Field(min_length=1)]
SecretText = Annotated[SecretStr, Field(min_length=1)]
Names = Annotated[tuple[str, ...], NoDecode, PlainValidator(_split)]
OriginNames = Annotated[Names, AfterValidator(_origins)]
HostNames = Annotated[Names, AfterValidator(_hosts)]
Networks = Annotated[Names, AfterValidator(_networks)]
Address = Annotated[str | None, AfterValidator(_address)]
Base = Annotated[str | None, AfterValidator(_base)]
Rate = Annotated[str | None, AfterValidator(_rate)]
