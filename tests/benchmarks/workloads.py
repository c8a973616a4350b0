"""The workloads: what is sent, and what of the answers has to be alike.

The requests are made here, in advance and from the data, so that all contenders are asked the same in the same order.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from rest_compat.translate.call import request_of
from tests.contracts.generated import translator

from .data import Sample

_LIST = "/api/opportunities/"
_NODE = "id name value stage probability closeDate account { id name } assignedTo { id name } contacts { id email }"
DEALS = (
    "query Deals { opportunities(first: 100, filter: {stage: {eq: NEGOTIATION}}) "
    f"{{ edges {{ cursor node {{ {_NODE} }} }} pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
)
DEAL = f"query Deal($id: ID!) {{ opportunity(id: $id) {{ {_NODE} }} }}"

_OPEN = ("prospecting", "qualification", "needs_analysis", "proposal", "negotiation")

_BY_HAND = [percent for percent in range(100) if percent % 10]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """`requests` makes them from the data; `common` keeps of an answer's JSON what must be the same for all contenders.

    It is measured in the same rounds as `beside`, which stands before it.
    """

    name: str
    title: str
    requests: Callable[[Sample], Sequence[Request]]
    common: Callable[[Any], Any]
    beside: str = ""


def _page(answer: Any) -> Any:
    """A list, its links without the server's name and its own positions, and in any order of parameters."""
    return {**answer, "next": _link(answer["next"]), "previous": _link(answer["previous"])}


def _link(address: str | None) -> Any:
    if address is None:
        return None
    parts = urlsplit(address)
    return parts.path, sorted((name, text) for name, text in parse_qsl(parts.query) if name not in {"after", "before"})


def _written(answer: Any) -> Any:
    """A record without what its writing made up."""
    return {key: value for key, value in answer.items() if key != "updatedAt"}


def _made(answer: Any) -> Any:
    return {key: value for key, value in answer.items() if key not in {"id", "createdAt", "updatedAt"}}


def _data(answer: Any) -> Any:
    """GraphQL's data; cursors are opaque, so that of them only this is kept: there is one, and the last edge's is the page's end."""
    assert "errors" not in answer, answer["errors"]
    connection = answer["data"].get("opportunities")
    if not connection or "edges" not in connection:
        return answer["data"]
    edges, info = connection["edges"], connection["pageInfo"]
    cursors = [edge["cursor"] for edge in edges]
    assert len(set(cursors)) == len(cursors), "two edges have one cursor"
    assert info["endCursor"] == cursors[-1], "the page doesn't end with its last cursor"
    return [edge["node"] for edge in edges], info["hasNextPage"], connection["totalCount"], list(connection), list(edges[0])


def _deals(_: Sample) -> list[Request]:
    return [Request("POST", "/graphql", _json({"query": DEALS, "operationName": "Deals"}))]


def _deal(sample: Sample) -> list[Request]:
    bodies = ({"query": DEAL, "operationName": "Deal", "variables": {"id": id_}} for id_ in sample.any)
    return [Request("POST", "/graphql", _json(body)) for body in bodies]


def _details(sample: Sample) -> list[Request]:
    return [Request("GET", f"{_LIST}{id_}/") for id_ in sample.any]


def _patches(sample: Sample) -> list[Request]:
    """Each round over the ids gives each of them a stage and a probability that it hasn't got, as an unchanged value is no write.

    No probability is a stage's default: a default that is there already and is given again counts as not given.
    """
    rounds = max(2, 40_000 // len(sample.open))
    return [
        Request("PATCH", f"{_LIST}{id_}/", _json({"stage": _OPEN[(turn + place) % 5], "probability": _BY_HAND[(turn * 11 + place) % 90]}))
        for turn in range(rounds)
        for place, id_ in enumerate(sample.open)
    ]


def _creations(sample: Sample) -> list[Request]:
    pick = random.Random(5)
    return [Request("POST", _LIST, _json(_creation(sample, pick, number))) for number in range(5_000)]


def _creation(sample: Sample, pick: random.Random, number: int) -> dict[str, Any]:
    return {
        "name": f"Benchmark deal {number}",
        "accountId": pick.choice(sample.accounts),
        "value": pick.randrange(1_000, 100_000),
        "stage": pick.choice(_OPEN),
        "probability": pick.randrange(1, 100),
        "closeDate": f"2027-{pick.randrange(1, 13):02}-{pick.randrange(1, 29):02}",
        "assignedTo": pick.choice(sample.users),
        "source": "outbound",
        "contactIds": pick.sample(sample.contacts, 2),
        "description": "Professional services engagement for data migration project",
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _get(query: str) -> Callable[[Sample], list[Request]]:
    return lambda _: [Request("GET", f"{_LIST}?{query}")]


def _translated(rest: Callable[[Sample], Sequence[Request]]) -> Callable[[Sample], list[Request]]:
    """The GraphQL operations that REST requests are translated into, as GraphQL clients would send them."""

    def operations(sample: Sample) -> list[Request]:
        known = translator()
        calls = (known.translate(request_of(request.method, request.path)) for request in rest(sample))
        return [Request("POST", "/graphql", _json({"query": call.operation.document, "variables": call.variables})) for call in calls]

    return operations


_LIST_OF_20 = _get("limit=20&stage=negotiation")

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "REST list of 20, one stage", _LIST_OF_20, _page),
        Workload("G1", "the operation that W1 is translated into, by GraphQL", _translated(_LIST_OF_20), _data, beside="W1"),
        Workload("W2", "REST list of 100, two range filters", _get("limit=100&valueMin=50000&closeDateAfter=2026-01-01"), _page),
        Workload("W3", "REST detail", _details, lambda answer: answer),
        Workload("G3", "the operation that W3 is translated into, by GraphQL", _translated(_details), _data, beside="W3"),
        Workload("W6", "GraphQL list of 100 with account, owner, contacts", _deals, _data),
        Workload("W7", "GraphQL detail with account, owner, contacts", _deal, _data),
        Workload("W4", "REST patch of stage and probability", _patches, _written),
        Workload("W5", "REST create with two contacts", _creations, _made),
    )
}
