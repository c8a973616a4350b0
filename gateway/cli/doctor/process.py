"""Checks of the process and of what the settings say, without the database."""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gateway import VERSION
from gateway.auth.keyset import of_address, of_issuer
from gateway.auth.provider_client import DEADLINE_SECONDS, Fetcher, ProviderFault
from gateway.pages import WEB
from gateway.server.listen import ListenError, listening
from gateway.settings import Settings, unknown_variables
from gateway.settings_advice import advice, sqlite_advice

from .report import DoctorReport

if sys.platform != "win32":
    import resource

#: Seconds that a clock may differ from another one before tokens and orders of events suffer.
CLOCK_SECONDS: Final = 5.0


def _version(settings: Settings, report: DoctorReport) -> None:
    del settings
    report.ok("version", f"gateway {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")


def _settings(settings: Settings, report: DoctorReport) -> None:
    """Report unknown settings, settings that contradict each other, and whether an application can be made of them."""
    # It takes a second to import, which no other command needs.
    from gateway.app import create_app  # noqa: PLC0415

    said = [*unknown_variables(os.environ), *advice(settings), *sqlite_advice(settings)]
    for line in said:
        report.warn("settings", line)
    create_app(settings)
    if not said:
        report.ok("settings", "they fit together")


def _descriptors(settings: Settings, report: DoctorReport) -> None:
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


def _pages(settings: Settings, report: DoctorReport) -> None:
    if not settings.graphiql:
        report.ok("pages", "they are switched off (GATEWAY_GRAPHIQL=false)")
        return
    report.judge(
        "pages",
        good=(WEB / "dist").is_dir(),
        well="they are built, and work offline",
        ill="they aren't built, so that browsers load parts of them from a CDN: make web (needs npm), or GATEWAY_GRAPHIQL=false",
    )


def _port(settings: Settings, report: DoctorReport) -> None:
    try:
        with listening(settings):
            report.ok("port", f"{settings.address} is free")
    except ListenError as error:
        report.warn("port", str(error))


def _provider(settings: Settings, report: DoctorReport) -> None:
    """Whether the identity provider's keys can be fetched, and whether its clock agrees with this machine's."""
    address = settings.oidc_issuer or settings.jwt_jwks_url
    if address is None:
        return
    fetch = Fetcher(time.monotonic() + DEADLINE_SECONDS)
    try:
        published = (of_issuer if settings.oidc_issuer else of_address)(address)(fetch)
    except ProviderFault as error:
        report.fault("identity provider", f"{error}: look at {'GATEWAY_OIDC_ISSUER' if settings.oidc_issuer else 'GATEWAY_JWT_JWKS_URL'}")
        return
    number = len(published.keys)
    report.judge(
        "identity provider",
        good=number > 0,
        well=f"{address} gives {number} {'key' if number == 1 else 'keys'}",
        ill=f"{address} gives no keys, so that none of its tokens is believed: look at what it publishes",
    )
    if fetch.moment is not None:
        compare_clock(report, fetch.moment, "the identity provider's")


def compare_clock(report: DoctorReport, other: float, whose: str) -> None:
    """Tells whether this machine's clock is near another one's (seconds since 1970)."""
    apart = time.time() - other
    report.judge(
        "clock",
        good=abs(apart) <= CLOCK_SECONDS,
        well=f"it agrees with {whose}",
        ill=f"it is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} {whose}, so that tokens end early or late: let NTP set both",
    )


def key_advice(settings: Settings, keys: int) -> Iterator[str]:
    """Advice for a gateway that no caller could use: no keys and no identity provider."""
    if not keys and not settings.takes_jwts:
        yield "there is none, so that nobody can call: gateway token create --workspace NAME --role admin"


def report_keys(settings: Settings, report: DoctorReport, keys: int) -> None:
    """Tells how many API keys there are."""
    said = [*key_advice(settings, keys)]
    report.judge("keys", good=not said, well=f"{keys} API {'key' if keys == 1 else 'keys'}", ill="".join(said))


CHECKS: Final[Mapping[str, Callable[[Settings, DoctorReport], None]]] = {
    "version": _version,
    "settings": _settings,
    "descriptors": _descriptors,
    "pages": _pages,
    "port": _port,
    "identity provider": _provider,
}
