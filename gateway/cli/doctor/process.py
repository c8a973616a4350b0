"""Checks of the process and of what the settings say, without the database."""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Final
from urllib.request import Request, urlopen

from gateway import VERSION
from gateway.advice import advice, sqlite_advice
from gateway.pages import WEB
from gateway.server.listen import ListenError, listening
from gateway.settings import Settings, unknown_variables

from .report import Report

if sys.platform != "win32":
    import resource

#: Seconds that a clock may differ from another one before tokens and orders of events suffer.
CLOCK_SECONDS: Final = 5.0
PROVIDER_SECONDS: Final = 5.0
PROVIDER_BYTES: Final = 1_048_576


def _version(settings: Settings, report: Report) -> None:
    del settings
    report.ok("version", f"gateway {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")


def _settings(settings: Settings, report: Report) -> None:
    """What isn't read, what doesn't fit together, and whether an application can be made of it."""
    # It takes a second to import, which no other command needs.
    from gateway.app import create_app  # noqa: PLC0415

    said = [*unknown_variables(os.environ), *advice(settings), *sqlite_advice(settings)]
    for line in said:
        report.warn("settings", line)
    create_app(settings)
    if not said:
        report.ok("settings", "they fit together")


def _descriptors(settings: Settings, report: Report) -> None:
    if sys.platform == "win32":
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    takes = most // 2 if most != resource.RLIM_INFINITY else settings.max_connections
    report.judge(
        "descriptors",
        good=takes >= settings.max_connections,
        well=f"{most} open files: enough for {settings.max_connections} connections",
        ill=f"only {most} files may be open, so that {takes} of {settings.max_connections} connections are taken: "
        f"ulimit -n {2 * settings.max_connections}, or LimitNOFILE= of systemd",
    )


def _pages(settings: Settings, report: Report) -> None:
    if not settings.graphiql:
        report.ok("pages", "they are switched off (GATEWAY_GRAPHIQL=false)")
        return
    report.judge(
        "pages",
        good=(WEB / "dist").is_dir(),
        well="they are built, and work offline",
        ill="they aren't built, so that browsers load parts of them from a CDN: make web (needs npm), or GATEWAY_GRAPHIQL=false",
    )


def _port(settings: Settings, report: Report) -> None:
    try:
        with listening(settings):
            report.ok("port", f"{settings.address} is free")
    except ListenError as error:
        report.warn("port", f"{error}: is a gateway running already? Else take another by --port")


def _provider(settings: Settings, report: Report) -> None:
    """Whether the identity provider's keys can be had, and whether its clock and ours agree."""
    if settings.jwt_jwks_url is None:
        return
    try:
        request = Request(settings.jwt_jwks_url, headers={"Accept": "application/json"})  # noqa: S310  the settings' own address
        with urlopen(request, timeout=PROVIDER_SECONDS) as answer:  # noqa: S310
            answer.read(PROVIDER_BYTES)
            told = answer.headers["Date"]
    except (OSError, HTTPException, ValueError) as error:
        report.fault("identity provider", f"{settings.jwt_jwks_url}: {error}: look at GATEWAY_JWT_JWKS_URL and the way to it")
        return
    report.ok("identity provider", f"{settings.jwt_jwks_url} answers")
    if told:
        compare_clock(report, parsedate_to_datetime(told).timestamp(), "the identity provider's")


def compare_clock(report: Report, other: float, whose: str) -> None:
    """Tells whether this machine's clock is near another one's (seconds since 1970)."""
    apart = time.time() - other
    report.judge(
        "clock",
        good=abs(apart) <= CLOCK_SECONDS,
        well=f"it agrees with {whose}",
        ill=f"it is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} {whose}, so that tokens end early or late: let NTP set both",
    )


def key_advice(settings: Settings, keys: int) -> Iterator[str]:
    """What to do where nobody could call."""
    if not keys and settings.jwt_secret is None and settings.jwt_jwks_url is None:
        yield "there is none, so that nobody can call: gateway token create --workspace NAME --role admin"


def tell_keys(settings: Settings, report: Report, keys: int) -> None:
    """Tells how many API keys there are."""
    said = [*key_advice(settings, keys)]
    report.judge("keys", good=not said, well=f"{keys} API keys", ill="".join(said))


CHECKS: Final[Mapping[str, Callable[[Settings, Report], None]]] = {
    "version": _version,
    "settings": _settings,
    "descriptors": _descriptors,
    "pages": _pages,
    "port": _port,
    "identity provider": _provider,
}
