"""OpenAPI's contract: checked in, and honest: what it shows is what is said, and nothing is said that it doesn't show."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.metadata import version
from typing import Any, TypeAlias

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gateway.server.http_protocol import _raw
from rest_compat.errors import STATUS, HeadersTooLarge, RequestTimeout
from schema.rules.access import Role
from tests.contracts.generated import OPENAPI, OPENAPI_3_0, ROOT, generated
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

Provoke: TypeAlias = Callable[[Gateway, dict[str, str]], Awaitable[httpx.Response]]

DOCUMENT: dict[str, Any] = orjson.loads(OPENAPI.read_bytes())
PROBLEM = {"accept": "application/problem+json"}
NOWHERE = f"{OPPORTUNITIES}opp_nowhere/"
#: Headers of HTTP itself, which OpenAPI leaves out or has another place for.
TRANSPORT = {"content-type", "content-encoding", "content-length", "connection", "x-content-type-options"}


def test_generated_files_are_checked_in() -> None:
    """A change of the declarations is seen in review: `python -m tests.contracts.generated` after meaning it."""
    for path, text in generated().items():
        assert path.read_text("utf-8") == text, path.relative_to(ROOT)


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[Gateway]:
    async with gateway(sqlite_url) as opened:
        yield opened


async def _deal(here: Gateway, accept: dict[str, str] | None = None) -> dict[str, Any]:
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return await here.make(OPPORTUNITIES, name="N", accountId=account)


async def _forbidden(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    viewer = await here.token("Here", Role.VIEWER)
    return await here.client.patch(NOWHERE, json={}, headers=viewer | accept)


async def _conflict(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    made = await _deal(here)
    await here.make(OPPORTUNITIES, name="M", accountId=made["accountId"])
    return await here.client.delete(f"/api/accounts/{made['accountId']}/", headers=accept)


async def _stale(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    url = f"{OPPORTUNITIES}{(await _deal(here))['id']}/"
    tag = (await here.client.get(url)).headers["etag"]
    await here.client.patch(url, json={"name": "Changed meanwhile"})
    return await here.client.patch(url, json={}, headers=accept | {"if-match": tag})


async def _spent(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    for _ in range(300):
        await here.client.get("/api/nothing/")
    return await here.client.get(OPPORTUNITIES, headers=accept)


async def _busy(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    here.app.limiter.free = here.app.limiter.line.most = 0
    return await here.client.get(OPPORTUNITIES, headers=accept)


async def _slow(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    return await _with_graph(here, lambda: asyncio.sleep(60), accept)


async def _broken(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    async def breaks() -> None:
        raise RuntimeError("a secret")

    return await _with_graph(here, breaks, accept | {"x-request-id": "01JZ8Q5W9T"})


async def _with_graph(here: Gateway, work: Callable[[], Awaitable[None]], accept: dict[str, str]) -> httpx.Response:
    async def run(*_: Any, **__: Any) -> Any:
        await work()

    here.app.graph.run = run  # type: ignore[method-assign]
    return await here.client.get(OPPORTUNITIES, headers=accept)


def _sent(fault: Any) -> Provoke:
    """What the wire itself sends, which knows nothing of `Accept`."""

    async def provoke(here: Gateway, accept: dict[str, str]) -> httpx.Response:
        head, _, body = _raw(fault, []).partition(b"\r\n\r\n")
        return httpx.Response(int(head.split()[1]), headers={"content-type": "application/json"}, content=body)

    return provoke


def _call(method: str, target: str, **more: Any) -> Provoke:
    async def provoke(here: Gateway, accept: dict[str, str]) -> httpx.Response:
        return await here.client.request(method, target, **{**more, "headers": accept | more.get("headers", {})})

    return provoke


async def _expired(here: Gateway, accept: dict[str, str]) -> httpx.Response:
    """A position of another epoch of the database."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    for name in ("One", "Two"):
        await here.make(OPPORTUNITIES, name=name, accountId=account)
    url = (await here.client.get(f"{OPPORTUNITIES}?limit=1")).json()["next"]
    start, _, cursor = url.rpartition(".")
    place, tag, epoch, *values = orjson.loads(urlsafe_b64decode(cursor))
    other = urlsafe_b64encode(orjson.dumps([place, tag, epoch + 1, *values])).decode()
    return await here.client.get(f"{start}.{other}", headers=accept)


PROVOKED: dict[str, tuple[Provoke, dict[str, Any]]] = {
    "BAD_REQUEST": (_call("GET", f"{OPPORTUNITIES}?limit=many"), {}),
    "UNAUTHENTICATED": (_call("GET", OPPORTUNITIES, headers={"authorization": ""}), {}),
    "FORBIDDEN": (_forbidden, {}),
    "NOT_FOUND": (_call("GET", NOWHERE), {}),
    "METHOD_NOT_ALLOWED": (_call("GET", f"/api/_graphql?method=DELETE&path={OPPORTUNITIES}"), {}),
    "NOT_ACCEPTABLE": (_call("GET", OPPORTUNITIES, headers={"accept": "text/html"}), {}),
    "REQUEST_TIMEOUT": (_sent(RequestTimeout("body", 15.0)), {}),
    "CONFLICT": (_conflict, {}),
    "CURSOR_EXPIRED": (_expired, {}),
    "PRECONDITION_FAILED": (_stale, {}),
    "TOO_LARGE": (_call("POST", OPPORTUNITIES, content=b" " * 262_145), {}),
    "UNSUPPORTED_MEDIA_TYPE": (_call("POST", OPPORTUNITIES, content=b"name=N"), {}),
    "VALIDATION_ERROR": (_call("POST", OPPORTUNITIES, json={"name": "N", "accountId": "acc_nowhere"}), {}),
    "PRECONDITION_REQUIRED": (_call("PATCH", NOWHERE, json={}), {"require_if_match": True}),
    "RATE_LIMITED": (_spent, {"rate_limit": "300/minute"}),
    "HEADERS_TOO_LARGE": (_sent(HeadersTooLarge("over 65536 bytes")), {}),
    "INTERNAL_ERROR": (_broken, {}),
    "UNAVAILABLE": (_busy, {}),
    "TIMEOUT": (_slow, {"operation_timeout": 0.05}),
}
#: Their example tells the default of a setting that the test can't wait for.
WAITED = {"TIMEOUT": ("0.05", "10")}
#: Said before anyone has read `Accept`, or because of it.
NEVER_PROBLEMS = {"REQUEST_TIMEOUT", "HEADERS_TOO_LARGE", "NOT_ACCEPTABLE"}


def test_every_error_is_documented() -> None:
    """Each code with a status has its answer in OpenAPI, and each of those is provoked below."""
    assert set(DOCUMENT["components"]["responses"]) == set(STATUS) == set(PROVOKED)


@pytest.mark.parametrize("code", PROVOKED)
async def test_error_examples_are_real(sqlite_url: str, code: str) -> None:
    """The example is what the gateway says, byte for byte as JSON, in both media types; its headers are all documented."""
    provoke, settings = PROVOKED[code]
    shown = DOCUMENT["components"]["responses"][code]
    kinds: list[tuple[str, dict[str, str]]] = [("application/json", {})]
    kinds += [] if code in NEVER_PROBLEMS else [("application/problem+json", PROBLEM)]
    for media, accept in kinds:
        async with gateway(sqlite_url, **settings) as here:
            answer = await provoke(here, accept)
        assert answer.status_code == STATUS[code], answer.text
        assert answer.headers["content-type"] == media
        said = answer.text.replace(*WAITED.get(code, ("\0", "")))
        assert orjson.loads(said) == shown["content"][media]["example"]
        assert _unknown(answer, shown) == set()
        assert _unknown(answer, shown) == set()


def _unknown(answer: httpx.Response, shown: dict[str, Any]) -> set[str]:
    return {name.lower() for name in answer.headers} - {name.lower() for name in shown.get("headers", {})} - TRANSPORT


async def test_nothing_is_undocumented(here: Gateway) -> None:
    """Over every operation, well and badly called: each status is that operation's own in OpenAPI, each header and body is described."""
    seen = set()
    for path, operation, answer in await _battery(here):
        shown = operation["responses"].get(str(answer.status_code))
        assert shown, f"{path} {answer.status_code}: {answer.text}"
        if "$ref" in shown:
            shown = DOCUMENT["components"]["responses"][shown["$ref"].rpartition("/")[2]]
        assert _unknown(answer, shown) == set(), f"{path} {answer.status_code}"
        assert ("x-graphql-operation" in answer.headers) == (path.split()[1] != "/api/_graphql"), f"{path} {answer.status_code}"
        if answer.content:
            schema = shown["content"][answer.headers["content-type"]]["schema"]
            components = _in_part(DOCUMENT["components"]) if b"fields=" in answer.request.url.query else DOCUMENT["components"]
            Draft202012Validator({**schema, "components": components}, format_checker=FormatChecker()).validate(answer.json())
        else:
            assert "content" not in shown
        seen.add((operation["operationId"], answer.status_code))
    assert len(seen) > 70


def _in_part(components: Any) -> Any:
    """The components for answers to `fields`, whose other keys are absent."""
    if isinstance(components, list):
        return [_in_part(each) for each in components]
    return {name: _in_part(each) for name, each in components.items() if name != "required"} if isinstance(components, dict) else components


@pytest.mark.parametrize("amount", [0, 1.11, 4.02, 19.99, 136.67, 143.48, 16777217, 9999999999999.99])
async def test_amounts_hold(here: Gateway, amount: float) -> None:
    """An amount to the cent is valid by its schema in a body and in an answer, and comes back as it was sent."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    body = {"name": "N", "accountId": account, "value": amount}
    _valid("CreateOpportunity", body)
    answer = await here.client.post(OPPORTUNITIES, json=body)
    _valid("Opportunity", answer.json())
    assert answer.json()["value"] == amount


def _valid(schema: str, value: Any) -> None:
    described = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    Draft202012Validator(described, format_checker=FormatChecker()).validate(value)


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/openapi-3.0.json"])
async def test_generators_can_read_it(here: Gateway, path: str) -> None:
    """Nothing that spoils generated clients: no choice of types, no multiple of a cent, no numbers that may be held in 32 bits."""
    document = (await here.client.get(path, headers={"authorization": ""})).json()
    found = list(_schemas(document))
    assert not [schema for schema in found if {"anyOf", "oneOf", "allOf", "multipleOf", "not"} & schema.keys()]
    assert all(schema.get("format") == "double" for schema in found if "number" in str(schema.get("type")))
    assert all(schema["pattern"].isascii() and "\\u" not in schema["pattern"] for schema in found if "pattern" in schema)
    assert not {"Error", "ErrorItem"} & document["components"]["schemas"].keys()
    assert document["info"]["version"] == version("opportunities-gateway")
    parameters = {one.get("name"): one.get("schema") for one in document["paths"]["/api/opportunities/"]["get"]["parameters"]}
    assert parameters["closeDateAfter"] == parameters["closeDateBefore"] == {"type": "string", "format": "date"}


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever may be a schema."""
    if isinstance(value, dict):
        if isinstance(value.get("type", ""), str | list):
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _schemas(each)


def test_both_versions_have_the_same_routes() -> None:
    """OpenAPI 3.0.3 has each operation of 3.1 with the same parameters and answers; null is said by `nullable`."""
    older = orjson.loads(OPENAPI_3_0.read_bytes())
    assert older["openapi"] == "3.0.3"
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            other = older["paths"][path][method]
            assert [one.get("name") for one in other["parameters"]] == [one.get("name") for one in operation["parameters"]]
            assert other["responses"].keys() == operation["responses"].keys()
    item = older["components"]["schemas"]["OpportunityItem"]["properties"]
    assert (item["value"]["type"], item["value"]["nullable"], "nullable" in item["id"]) == ("number", True, False)
    assert not [schema for schema in _schemas(older) if isinstance(schema.get("type"), list)]


@pytest.mark.parametrize("path", DOCUMENT["paths"])
async def test_every_operation_tells_405(here: Gateway, path: str) -> None:
    """Each operation documents what a method hears that its path doesn't have, and so it is answered."""
    assert all("405" in operation["responses"] for operation in DOCUMENT["paths"][path].values())
    answer = await here.client.put(path.replace("{id}", "x"))
    assert (answer.status_code, "allow" in answer.headers) == (405, True)
    _valid("ApiError", answer.json())


async def _battery(here: Gateway) -> list[tuple[str, dict[str, Any], httpx.Response]]:
    """Each operation by each kind of call."""
    viewer = await here.token("Here", Role.VIEWER)
    bodies = {
        "accounts": {"name": "A"},
        "contacts": {"firstName": "S", "email": "s@example.com"},
        "opportunities": {"name": "N", "accountId": (await _deal(here))["accountId"]},
    }
    found = []
    for path, operations in DOCUMENT["paths"].items():
        kind = path.split("/")[2]
        record = {"id": "x"}
        if kind in bodies:
            record = await here.make(f"/api/{kind}/", **bodies[kind] | ({"email": f"{path}@example.com"} if kind == "contacts" else {}))
        for method, operation in sorted(operations.items(), key=lambda one: one[0] == "delete"):
            for change in _calls(bodies.get(kind, {}), viewer, record):
                target = path.replace("{id}", change.pop("id", record["id"])) + change.pop("query", "")
                found.append((f"{method} {path}", operation, await here.client.request(method.upper(), target, **change)))
    return found


def _calls(body: dict[str, Any], viewer: dict[str, str], record: dict[str, Any]) -> list[dict[str, Any]]:
    strict = {"prefer": "handling=strict"}
    return [
        {"headers": {"accept": "text/html"}},
        {"headers": {"authorization": "Bearer no"}},
        {"headers": {"if-none-match": "*"}},
        {"headers": {"if-match": '"0-x"'}, "json": body},
        {"headers": {"idempotency-key": ""}, "json": body},
        {"headers": viewer, "json": body},
        {"headers": strict, "json": body | {"colour": 1}, "query": "?size=1"},
        {"query": "?size=1&fields=id", "json": body | {"colour": 1, "email": "other@example.com"}},
        {"query": "?method=POST&path=/api/opportunities/", "json": {}},
        {"query": "?method=GET&path=/api/opportunities/%3Flimit=1"},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"name=N"},
        {"content": b" " * 262_145},
        {"json": {"name": "", "email": "x"}},
        {"id": "nowhere", "json": body},
        {"query": "?page=9"},
        {"headers": PROBLEM, "query": "?page=0", "json": body},
    ]
