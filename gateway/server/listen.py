"""The port: bound before anything else is done, so that a port in use is reported at once and nothing else has happened."""

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from gateway.settings import Settings
from schema.values import Value


class ListenError(Exception):
    """The address can't be listened on; the message says why."""


@contextmanager
def listening(settings: Settings) -> Iterator[tuple[Settings, list[socket.socket]]]:
    """The port, bound on every address that the host's name stands for; nobody is answered yet. Raises ListenError.

    The settings come back with the port that was found where any would do.
    """
    with ExitStack() as bound:
        try:
            address = settings.address
            found = _bind(settings.host, settings.port, bound)
            if settings.metrics_port is not None:
                address = f"{settings.host}:{settings.metrics_port} for metrics"
                found += _bind(settings.host, settings.metrics_port, bound)
        except OSError as error:
            raise ListenError(f"can't listen on {address}: {(error.strerror or str(error)).lower()}: {_remedy(error)}") from None
        yield settings.model_copy(update={"port": found[0].getsockname()[1]}), found


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is a gateway running already? Else take another port by --port or GATEWAY_PORT"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for root: take another one by --port or GATEWAY_PORT"
    return "GATEWAY_HOST, or --host, is a name or an address of this machine"


def _bind(host: str, port: int, bound: ExitStack) -> list[socket.socket]:
    found: list[socket.socket] = []
    for family, _, _, _, address in _addresses(host, port):
        taken = found[0].getsockname()[1] if found else port
        found += [bound.enter_context(each) for each in _bound(family, (address[0], taken, *address[2:]))]
    if not found:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return found


def _addresses(host: str, port: int) -> Sequence[tuple[Value, ...]]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # a part of the name is empty, or longer than any
        raise OSError(errno.EADDRNOTAVAIL, "this is no host's name") from None


def _bound(family: int, address: tuple[Value, ...]) -> list[socket.socket]:
    """A bound socket; none where the machine doesn't have the address, as it may be with one of `localhost`'s two."""
    try:
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return []
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        return []
    found.set_inheritable(True)
    return [found]
