"""Proof, before anything is measured, that all contenders give the same answers."""

from collections.abc import Iterator, Sequence
from typing import Any

from .data import Sample
from .servers import Server, ServerFault
from .workloads import Request, Workload

# Of many requests so many are compared.
_COMPARED = 20


def disagreements(workload: Workload, sample: Sample, servers: Sequence[Server]) -> dict[str, str]:
    """What each server that doesn't answer as the first one does answers instead, by its name; order counts."""
    requests = workload.requests(sample)[:_COMPARED]
    expected = [workload.common(servers[0].ask(request)) for request in requests]
    found = {server.contender.name: _first(workload, requests, expected, server) for server in servers[1:]}
    return {name: difference for name, difference in found.items() if difference}


def _first(workload: Workload, requests: Sequence[Request], expected: Sequence[Any], server: Server) -> str | None:
    """The first difference in words."""
    for request, wanted in zip(requests, expected, strict=True):
        try:
            answer = workload.common(server.ask(request))
        except (ServerFault, AssertionError) as fault:
            return f"{workload.name}: {fault}"
        for path, one, other in differences(wanted, answer):
            return f"{workload.name}, {request.method} {request.path}: expected {one!r} at {path}, got {other!r}"
    return None


def differences(one: Any, other: Any, path: str = "answer") -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON values differ: keys in their order, too. Numbers compare by value."""
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            yield f"{path} (keys)", list(one), list(other)
            return
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield f"{path} (length)", len(one), len(other)
            return
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{path}[{place}]")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path, one, other
