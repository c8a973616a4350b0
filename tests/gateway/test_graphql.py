"""GraphQL over HTTP: the docstrings are the specification's sentences."""

import httpx
import pytest

from tests.gateway.conftest import MakeApp, ask, calling

GRAPHQL = "application/graphql-response+json"
MODERN = {"accept": GRAPHQL}


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


async def test_post(client: httpx.AsyncClient) -> None:
    """A server MUST accept POST requests, and understand JSON in UTF-8."""
    response = await ask(client, "query Q($n: String!) { hello(name: $n) }", variables={"n": "Zoë"}, operationName="Q", unknown=1)
    assert (response.status_code, response.json()["data"]) == (200, {"hello": "hello Zoë"})
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "Accept" in response.headers["vary"]


async def test_get(client: httpx.AsyncClient) -> None:
    """GET: parameters in the query string, `variables` as a JSON text; an empty operationName is as none."""
    parameters = {"query": "query ($n: String!) { hello(name: $n) }", "variables": '{"n": "é&"}', "operationName": "", "extensions": "{}"}
    response = await client.get("/graphql", params=parameters, headers=MODERN)
    assert (response.status_code, response.json()["data"]) == (200, {"hello": "hello é&"})
    assert response.headers["content-type"].startswith(GRAPHQL)


async def test_head(client: httpx.AsyncClient) -> None:
    """HEAD has the status and the headers of GET (RFC 9110, section 9.3.2), and runs queries only."""
    for query, status in (("{ hello }", 200), ("{ nothing }", 400), ("mutation", 400)):
        get, head = [await client.request(method, "/graphql", params={"query": query}, headers=MODERN) for method in ("GET", "HEAD")]
        told = [{name: value for name, value in one.headers.items() if name not in {"date", "x-request-id"}} for one in (get, head)]
        assert (get.status_code, head.status_code, told[1]) == (status, status, told[0])
    mutation = await client.head("/graphql", params={"query": "mutation { set(x: 1) }"})
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    stream = await client.head("/graphql", params={"query": "{ hello }"}, headers={"accept": "text/event-stream"})
    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_mutation_by_get(client: httpx.AsyncClient) -> None:
    """GET requests MUST NOT be used for executing mutation operations: 405 with Allow: POST."""
    response = await client.get("/graphql", params={"query": "mutation { set(x: 1) }"})
    assert (response.status_code, response.headers["allow"], code(response)) == (405, "POST", "METHOD_NOT_ALLOWED")


async def test_query_method(client: httpx.AsyncClient) -> None:
    """QUERY (RFC 10008) is a POST that is safe: it runs queries, and a mutation is 405 with Allow: POST; its body must be JSON."""
    asked = await client.request("QUERY", "/graphql", json={"query": "{ hello }"})
    assert (asked.status_code, asked.json()) == (200, (await ask(client, "{ hello }")).json())
    assert asked.headers["accept-query"] == "application/json"
    mutation = await client.request("QUERY", "/graphql", json={"query": "mutation { set(x: 1) }"})
    assert (mutation.status_code, mutation.headers["allow"], code(mutation)) == (405, "POST", "METHOD_NOT_ALLOWED")
    other = await client.request("QUERY", "/graphql", content="{ hello }", headers={"content-type": "application/graphql"})
    assert (other.status_code, other.headers["accept-query"]) == (415, "application/json")
    assert (await client.get("/graphql", params={"query": "{ hello }"})).headers["accept-query"] == "application/json"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods(client: httpx.AsyncClient, method: str) -> None:
    """405, with the methods that there are."""
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST, QUERY")


async def test_options(client: httpx.AsyncClient) -> None:
    """OPTIONS tells the methods."""
    response = await client.options("/graphql")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, POST, QUERY, OPTIONS")
    assert response.headers["accept-query"] == "application/json"


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "query A { hello } query B { hello }",
        "query ($n: Int!) { hello(name: $n) }",
        "query ($n: String!) { hello(name: $n) }",
    ],
    ids=["syntax", "validation", "two operations", "types", "variables"],
)
async def test_request_errors(client: httpx.AsyncClient, query: str) -> None:
    """Refused before it ran: 400 without `data` under the modern type, 200 under application/json; a code on every error."""
    modern, legacy = await ask(client, query, MODERN), await ask(client, query)
    assert (modern.status_code, legacy.status_code) == (400, 200)
    for response in (modern, legacy):
        assert "data" not in response.json()
        assert all(error["extensions"]["code"] == "BAD_REQUEST" for error in response.json()["errors"])


async def test_field_errors(client: httpx.AsyncClient) -> None:
    """What ran is 200, with whatever errors and even without data."""
    response = await ask(client, "{ must }", MODERN)
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize(
    "body",
    [
        *(b"5", b"null", b'"x"', b"[]", b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b"{}", b'{"query":null}', b'{"query":""}'),
        *(b'{"query":5}', b'{"query":{}}', b'{"query":"{hello}","query":"{hello}"}', b'{"query":"{hello}","variables":[]}'),
        *(b'{"query":"{hello}","variables":"x"}', b'{"query":"{hello}","operationName":1}', b'{"query":"{hello}","extensions":"x"}'),
        *(b'{"query":"{hello}","variables":{"x":NaN}}', rb'{"query":"{hello}","variables":{"x":"\u0000"}}', b'[{"query":"{hello}"}]'),
        *(b'{"query":"{hello}","extensions":{"persistedQuery":1}}', b'{"documentId":5}'),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, body: bytes) -> None:
    """400 with a code under both types, never 500."""
    for accept in ("application/json", GRAPHQL):
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json", "accept": accept})
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
        assert response.headers["content-type"].startswith(accept)


@pytest.mark.parametrize(
    "query_string", ["query=%ff", "query={hello}&query={hello}", "query={hello}&variables=[", "query={hello}&variables=5", ""]
)
async def test_bad_query_strings(client: httpx.AsyncClient, query_string: str) -> None:
    """The same for GET."""
    response = await client.get(f"/graphql?{query_string}")
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin-1", ""]
)
async def test_unsupported_bodies(client: httpx.AsyncClient, content_type: str) -> None:
    """415 for what isn't JSON in UTF-8; nothing that an HTML form can send is run."""
    response = await client.post("/graphql", content=b'{"query":"{hello}"}', headers={"content-type": content_type})
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_encoded_bodies(client: httpx.AsyncClient) -> None:
    """Bodies in another coding than gzip are refused."""
    headers = {"content-type": "application/json", "content-encoding": "deflate"}
    assert (await client.post("/graphql", content=b"x", headers=headers)).status_code == 415


async def test_not_acceptable(client: httpx.AsyncClient) -> None:
    """406, in JSON all the same."""
    response = await ask(client, "{ hello }", {"accept": "text/csv"})
    assert (response.status_code, code(response), response.headers["content-type"]) == (
        406,
        "NOT_ACCEPTABLE",
        "application/json; charset=utf-8",
    )


async def test_unauthenticated(client: httpx.AsyncClient) -> None:
    """401 in GraphQL's shape, whatever else is wrong; WWW-Authenticate names an error where a token came (RFC 6750 section 3)."""
    wrong = 'Bearer error="invalid_token", error_description="The API key is incomplete or has been altered."'
    for sent, told in (("", "Bearer"), ("Bearer pk_live_wrong", wrong), ("Basic eDp5", "Bearer"), ("Bearer", "Bearer")):
        response = await client.post("/graphql", content=b"{", headers={"authorization": sent})
        assert (response.status_code, code(response), response.headers["www-authenticate"]) == (401, "UNAUTHENTICATED", told)


async def test_subscription_by_plain_post(client: httpx.AsyncClient) -> None:
    """A subscription without a stream is refused, and says what it needs."""
    response = await ask(client, "subscription { count(to: 1) }")
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert "text/event-stream" in response.text


async def test_defects_leak_nothing(client: httpx.AsyncClient) -> None:
    """An exception that nothing expected is 500, with the request's id and without its text."""
    response = await ask(client, "{ boom }", {"x-request-id": "abc"})
    assert (response.status_code, code(response)) == (500, "INTERNAL_ERROR")
    assert response.json()["errors"][0]["extensions"]["requestId"] == "abc"
    assert "secret" not in response.text


async def test_explorer(client: httpx.AsyncClient) -> None:
    """A browser gets the explorer, without a token; with parameters too, which it takes over."""
    for path in ("/graphql", "/graphql?query={hello}"):
        response = await client.get(path, headers={"accept": "text/html,*/*;q=0.8", "authorization": ""})
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_explorer_off(make_app: MakeApp) -> None:
    """With GATEWAY_GRAPHIQL=false there are no pages."""
    async with calling(make_app(graphiql=False)) as client:
        assert (await client.get("/graphql", headers={"accept": "text/html"})).status_code == 406
        assert (await client.get("/api/docs")).status_code == 404


async def test_an_empty_operation_name_is_as_none(client: httpx.AsyncClient) -> None:
    """Many clients send `operationName: ""` where they have none: by POST that is what it is by GET."""
    assert (await ask(client, "{ hello }", operationName="")).json()["data"] == {"hello": "hello you"}
