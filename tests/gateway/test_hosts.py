"""Who is believed of the names that a request says: host names, trusted proxies, and what links are made of."""

import re

import httpx
import pytest

from gateway.app import LOOPBACK, Application, create_app
from gateway.settings import Settings
from tests.gateway.conftest import MakeApp, calling
from tests.rest_compat.real import OPPORTUNITIES, gateway

BROWSER = {"accept": "text/html"}
STRANGERS = ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "[::2]"]


@pytest.fixture
def demo(sqlite_url: str, make_app: MakeApp) -> Application:
    """An application whose pages hold a token."""
    return create_app(Settings(database_url=sqlite_url, access_log=False, allowed_hosts=("*",)), demo_token="pk_demo")


@pytest.mark.parametrize("host", STRANGERS)
async def test_the_demo_has_no_other_name(demo: Application, host: str) -> None:
    """A name that somebody else points to this machine reads neither the page with the token nor anything else (DNS rebinding)."""
    async with calling(demo) as client:
        for path in ("/", "/graphql", "/api/docs", "/metrics", "/api/opportunities/", "/graphql?query={hello}"):
            answer = await client.get(path, headers={**BROWSER, "host": host})
            assert answer.status_code == 400
            assert "pk_demo" not in answer.text


@pytest.mark.parametrize("host", [*LOOPBACK, "LOCALHOST:8000", "127.0.0.1:80", "app.localhost", "[::1]:8000"])
async def test_the_demo_by_its_own_names(demo: Application, host: str) -> None:
    """The machine's names for itself open it."""
    async with calling(demo) as client:
        answer = await client.get("/graphql", headers={**BROWSER, "host": host.replace("*", "any")})
        assert (answer.status_code, "pk_demo" in answer.text) == (200, True)


async def test_health_by_any_name(make_app: MakeApp) -> None:
    """Probes come by address: they are answered whatever names there are."""
    async with calling(make_app(allowed_hosts=("crm.example",))) as client:
        assert (await client.get("/healthz", headers={"host": "10.0.0.7:8000"})).status_code == 200
        assert (await client.get("/readyz", headers={"host": "10.0.0.7:8000"})).status_code == 200
        assert (await client.get("/metrics", headers={"host": "10.0.0.7:8000"})).status_code == 200


GOOD_HOSTS = ["crm.example", "crm.example:8443", "my_service:80", "10.0.0.1", "[2001:db8::1]:8000", "a" * 253]
BAD_HOSTS = [
    "evil.example/path",
    "evil.example?",
    "a b",
    "a@b",
    "a\\b",
    "a:b:c",
    "a:999999",
    "[::1",
    "a,b",
    "<a>",
    "a" * 300,
    "-a",
    "h:\u0663",
]


async def test_links(sqlite_url: str) -> None:
    """They begin with the host that was asked, where it is one."""
    async with gateway(sqlite_url) as here:
        account = (await here.make("/api/accounts/", name="A"))["id"]
        for host in GOOD_HOSTS:
            made = await here.client.post(OPPORTUNITIES, json={"name": "N", "accountId": account}, headers={"host": host})
            assert made.headers["location"] == f"http://{host}{OPPORTUNITIES}{made.json()['id']}/"


async def test_no_links(sqlite_url: str) -> None:
    """What is no host is in no link: 400, which says which header."""
    async with gateway(sqlite_url) as here:
        for host in BAD_HOSTS:
            for path in (OPPORTUNITIES, "/api/_graphql?method=GET&path=/api/opportunities/"):
                answer = await here.client.get(path, headers={"host": host.encode()})
                assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (400, "Host")


async def test_links_of_a_public_url(sqlite_url: str) -> None:
    """Where it is set, no request says where links lead."""
    async with gateway(sqlite_url, public_url="https://crm.example/") as here:
        account = (await here.make("/api/accounts/", name="A"))["id"]
        made = await here.client.post(OPPORTUNITIES, json={"name": "N", "accountId": account}, headers={"host": "evil.example"})
        assert made.headers["location"].startswith(f"https://crm.example{OPPORTUNITIES}")


@pytest.mark.parametrize(
    ("proxies", "sent", "begins"),
    [
        (("127.0.0.1",), {"x-forwarded-host": "crm.example", "x-forwarded-proto": "https"}, "https://crm.example/"),
        (("127.0.0.1",), {"x-forwarded-host": "evil.example, crm.example"}, "http://crm.example/"),
        (("127.0.0.1",), {}, "http://gateway/"),
        (("10.0.0.0/8",), {"x-forwarded-host": "crm.example", "x-forwarded-proto": "https"}, "http://gateway/"),
        ((), {"x-forwarded-host": "crm.example"}, "http://gateway/"),
        (("127.0.0.1",), {"x-forwarded-host": "crm.example", "x-forwarded-port": "8443"}, "http://crm.example:8443/"),
        (("127.0.0.1",), {"x-forwarded-port": "8443", "x-forwarded-proto": "https"}, "https://gateway:8443/"),
        (("127.0.0.1",), {"x-forwarded-host": "a.example", "x-forwarded-port": "443", "x-forwarded-proto": "https"}, "https://a.example/"),
        (("127.0.0.1",), {"x-forwarded-host": "crm.example:81", "x-forwarded-port": "8443"}, "http://crm.example:81/"),
        (("127.0.0.1",), {"x-forwarded-host": "crm.example", "x-forwarded-port": "x"}, "http://crm.example/"),
        (("127.0.0.1",), {"x-forwarded-prefix": "/crm"}, "http://gateway/crm/api/"),
        (("127.0.0.1",), {"x-forwarded-prefix": "/a/b.c/"}, "http://gateway/a/b.c/api/"),
        *((("127.0.0.1",), {"x-forwarded-prefix": bad}, "http://gateway/api/") for bad in ("/", "//evil", "crm", "/../a", "/a?b", "")),
        ((), {"x-forwarded-prefix": "/crm", "x-forwarded-port": "81"}, "http://gateway/api/"),
    ],
    ids=str,
)
async def test_links_behind_a_proxy(sqlite_url: str, proxies: tuple[str, ...], sent: dict[str, str], begins: str) -> None:
    """A trusted proxy says by which name it was asked, and nobody else does."""
    async with gateway(sqlite_url, trusted_proxies=proxies) as here:
        account = (await here.make("/api/accounts/", name="A"))["id"]
        made = await here.client.post(OPPORTUNITIES, json={"name": "N", "accountId": account}, headers=sent)
        assert made.headers["location"].startswith(begins)


async def test_below_a_prefix(sqlite_url: str) -> None:
    """Everything is found with the prefix and without it, and the OpenAPI document and links say it."""
    async with gateway(sqlite_url, trusted_proxies=("127.0.0.1",)) as here:
        await here.make("/api/accounts/", name="A")
        await here.make("/api/accounts/", name="B")
        sent = {"x-forwarded-prefix": "/crm", "x-forwarded-host": "a.example", "x-forwarded-proto": "https", "x-forwarded-port": "8443"}
        for path in ("", "/crm"):
            for document in ("openapi.json", "openapi-3.0.json"):
                described = (await here.client.get(f"{path}/api/{document}", headers=sent)).json()
                assert described["servers"] == [{"url": "/crm"}]
            page = (await here.client.get(f"{path}/api/accounts/?limit=1", headers=sent)).json()
            assert page["next"].startswith("https://a.example:8443/crm/api/accounts/?")
            assert (await here.client.get(f"{path}/healthz", headers=sent)).json()["status"] == "ok"
            answer = await here.client.post(f"{path}/graphql", json={"query": "{ __typename }"}, headers=sent)
            assert answer.json()["data"] == {"__typename": "Query"}
        page = (await here.client.get("/crm/graphql", headers={**sent, **BROWSER})).text
        asset = re.search(r'(?:src|href)="([^"]*_assets/[^"]+)"', page)
        assert asset
        assert (await here.client.get(f"/_assets/{asset[1].partition('_assets/')[2]}", headers=sent)).status_code == 200
        assert (await here.client.get("/api/openapi.json")).json()["servers"] == [{"url": "/"}]


async def test_headers_of_every_answer(make_app: MakeApp) -> None:
    """No answer is to be taken for another type than it says, and browsers are told of HTTPS where that is set."""
    async with calling(make_app(hsts=3_600)) as client:
        for path in ("/healthz", "/nothing", "/graphql?query={hello}", "/graphql?query={", "/metrics", "/api/docs"):
            answer = await client.get(path)
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
            assert answer.headers["strict-transport-security"] == "max-age=3600"
    async with calling(make_app()) as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


async def test_a_port_for_metrics(make_app: MakeApp) -> None:
    """There are metrics and health, by whatever name, and nothing else; elsewhere there are no metrics."""
    app = make_app(metrics_port=9_100, allowed_hosts=("gateway",))
    async with app.lifespan(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:9100") as client:
            statuses = [(await client.get(path)).status_code for path in ("/metrics", "/healthz", "/readyz", "/graphql", "/api/docs", "/x")]
            assert statuses == [200, 200, 200, 404, 404, 404]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway:8000") as client:
            statuses = [(await client.get(path)).status_code for path in ("/metrics", "/healthz", "/graphql?query={hello}")]
            assert statuses == [404, 200, 401]


async def test_a_token_for_metrics(make_app: MakeApp) -> None:
    """Only who sends it reads them; an API key is another thing."""
    async with calling(make_app(metrics_token="m" * 20)) as client:
        for sent, status in [("Bearer " + "m" * 20, 200), ("bearer  " + "m" * 20, 200), ("Bearer m", 401), ("Bearer test", 401), ("", 401)]:
            answer = await client.get("/metrics", headers={"authorization": sent})
            assert (answer.status_code, "www-authenticate" in answer.headers) == (status, status == 401)
        assert (await client.get("/healthz", headers={"authorization": ""})).status_code == 200
