"""What a browser is answered that asks for a page by another of its addresses, and what programs are answered there."""

from urllib.parse import urljoin

from gateway.pages import REDIRECTS
from tests.gateway.conftest import HEADERS, MakeApp, calling

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_whoever_misses_a_page_is_led_there(make_app: MakeApp) -> None:
    """By a relative address, which holds below a prefix, and with the query string."""
    async with calling(make_app()) as client:
        for path in REDIRECTS:
            answer = await client.get(f"{path}?a=%20b", headers=BROWSER)
            assert answer.status_code == 307
            led = urljoin(f"https://host/crm{path}", answer.headers["location"])
            assert led == f"https://host/crm{'/graphql' if 'graphql' in path else '/api/docs'}?a=%20b"


async def test_the_slash_after_graphql(make_app: MakeApp) -> None:
    """Only a page leads on, since clients lose bodies on redirects: a call is answered like one without the slash, faults in one shape."""
    async with calling(make_app()) as client:
        for path in ("/graphql", "/graphql/"):
            for answer in (
                await client.post(path, json={"query": "{ hello }"}),
                await client.get(path, params={"query": "{ hello }"}),
            ):
                assert (answer.status_code, answer.json()["data"]) == (200, {"hello": "hello you"})
            refused = await client.post(path, json={"query": "{ hello }"}, headers={"authorization": "Bearer no"})
            assert (refused.status_code, set(refused.json())) == (401, {"errors"})
            twice = await client.post(path, json={"query": "{ hello }"}, headers=[*HEADERS.items(), ("authorization", "Bearer no")])
            assert (twice.status_code, set(twice.json())) == (400, {"errors"})


async def test_the_root_for_browsers_and_for_programs(make_app: MakeApp) -> None:
    """A browser gets the start page; who accepts JSON, or says nothing, is told as before that nothing is here."""
    async with calling(make_app()) as client:
        page = await client.get("/", headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for accept in ("*/*", "application/json", "text/html, application/json"):
            answer = await client.get("/", headers={"accept": accept})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await client.post("/", headers=BROWSER)).status_code == 405
        assert (await client.head("/", headers=BROWSER)).status_code == 200


async def test_the_icon(make_app: MakeApp) -> None:
    """Browsers ask for it by themselves, whatever page they show."""
    async with calling(make_app()) as client:
        answer = await client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/x-icon")
    assert answer.content.startswith(b"\0\0\1\0")


async def test_without_pages(make_app: MakeApp) -> None:
    """GATEWAY_GRAPHIQL=false: no page and no redirect to one, and `/graphql/` is an API still."""
    async with calling(make_app(graphiql=False)) as client:
        for path in ("/", "/docs", "/api/docs/", "/favicon.ico"):
            assert (await client.get(path, headers=BROWSER)).status_code == 404
        assert (await client.post("/graphql/", json={"query": "{ hello }"}, headers=BROWSER)).json()["data"] == {"hello": "hello you"}
