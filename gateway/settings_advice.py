"""Advice on settings that work but are probably not intended: `gateway serve` warns of them at start, `gateway doctor` reports them."""

from collections.abc import Callable, Iterator
from typing import Final

from gateway.environment import variable
from gateway.settings import Settings
from schema.administration.sqlite_file import VERSION
from schema.storage.database import sqlite_path
from schema.storage.sqlite.checkpoints import at_risk

#: Seconds of silence after which common proxies close a connection.
PROXY_SECONDS: Final = 60

#: When a sentence is said, and the sentence, with the settings in it.
RULES: Final[tuple[tuple[Callable[[Settings], bool], str], ...]] = (
    (
        lambda it: it.metrics and not it.loopback and it.metrics_port is None and it.metrics_token is None,
        "Whoever reaches the port can read /metrics: set GATEWAY_METRICS_PORT or GATEWAY_METRICS_TOKEN, or GATEWAY_METRICS=false.",
    ),
    (
        lambda it: it.workers > 1 and it.rate_limit is not None and "memory" in it.rate_limit_storage,
        (
            "Each of the {workers} processes keeps budgets of its own, so that GATEWAY_RATE_LIMIT is given {workers} times: "
            "set GATEWAY_RATE_LIMIT_STORAGE=async+redis://host."
        ),
    ),
    (
        lambda it: it.max_answer > it.max_unsent,
        (
            "GATEWAY_MAX_ANSWER ({max_answer} bytes) is more than GATEWAY_MAX_UNSENT ({max_unsent}), so that large answers are refused: "
            "raise the second or lower the first."
        ),
    ),
    (
        lambda it: it.max_document_length > it.graphql_body_limit,
        (
            "GATEWAY_GRAPHQL_BODY_LIMIT ({graphql_body_limit} bytes) doesn't hold a document of GATEWAY_MAX_DOCUMENT_LENGTH "
            "({max_document_length}): raise the first or lower the second."
        ),
    ),
    (
        lambda it: (it.public_url or "").startswith("https:") and not it.trusted_proxies,
        (
            "GATEWAY_PUBLIC_URL says that a proxy stands before the gateway, and none is believed: its address is taken for each client's. "
            "Set GATEWAY_TRUSTED_PROXIES to it."
        ),
    ),
    (
        lambda it: it.hsts > 0 and (it.public_url or "").startswith("http:"),
        "GATEWAY_HSTS is for HTTPS, and GATEWAY_PUBLIC_URL is http://…: browsers will not take it.",
    ),
    (
        lambda it: it.takes_jwts and it.jwt_audience is None,
        "Tokens that the identity provider made for other applications are taken too: set GATEWAY_JWT_AUDIENCE.",
    ),
    (
        lambda it: it.heartbeat >= PROXY_SECONDS,
        "GATEWAY_HEARTBEAT ({heartbeat:g} s) is longer than proxies wait (mostly 60 s), which close silent streams: set 20.",
    ),
    (
        lambda it: it.shutdown_timeout < it.operation_timeout,
        (
            "GATEWAY_SHUTDOWN_TIMEOUT ({shutdown_timeout} s) is shorter than GATEWAY_OPERATION_TIMEOUT ({operation_timeout:g} s), so a "
            "stop cuts off requests: raise the first."
        ),
    ),
)


def advice(settings: Settings) -> Iterator[str]:
    """A sentence for each setting that works but is probably not intended, with what to set."""
    values = settings.model_dump()
    yield from (sentence.format(**values) for holds, sentence in RULES if holds(settings))
    for name in ("statement_timeout", "pool_timeout", "queue_timeout"):
        if values[name] >= settings.operation_timeout:
            yield (
                f"{variable(name)} ({values[name]:g} s) is not shorter than GATEWAY_OPERATION_TIMEOUT ({settings.operation_timeout:g} s), "
                "which ends first: lower the first or raise the second."
            )


def sqlite_advice(settings: Settings) -> Iterator[str]:
    """Advice on SQLite's version, if the database is a file and the version has the fault described in `checkpoints`."""
    path = sqlite_path(settings.database_url)
    if path is not None and at_risk():
        yield (
            f"Let only gateways write to {path.name}: then all is well. SQLite {VERSION} has a fault by which another "
            "program that writes to it can damage it (https://sqlite.org/wal.html#walresetbug); 3.51.3 mends it, PostgreSQL has none."
        )
