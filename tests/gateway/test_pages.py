"""The pages as the server sends them; what a browser makes of them is in tests/browser."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import psutil
import pytest
from graphql import OperationDefinitionNode, parse
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.dispatch import not_found
from gateway.edge.turns import Turns
from gateway.pages import CDN, WEB, BrowserPages, WebPages, examples, is_built, pages
from rest_compat.errors import NotFound

BUILT_PAGE = (
    '<script type="application/json" id="config">{}</script>'
    '<script type="module" crossorigin src="./_assets/page-Dk3x.js"></script>'
    '<link rel="stylesheet" href="./_assets/page-Dk3x.css">'
)
PATHS = ["/", "/graphql", "/api/docs"]
FROM_CDN = ["/graphql", "/api/docs"]
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The web folder as it is before a build."""
    for name in ("plain", "examples"):
        shutil.copytree(WEB / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def built(plain: Path) -> Path:
    """The web folder after a build: the real one where there is one, else one of the same layout."""
    if is_built():
        shutil.copytree(WEB / "dist", plain / "dist")
        return plain
    (plain / "dist" / "_assets").mkdir(parents=True)
    (plain / "dist" / "plain").mkdir()
    for name in ("explorer.html", "docs.html", "plain/start.html"):
        (plain / "dist" / name).write_text(BUILT_PAGE)
    for name in ("page-Dk3x.js", "page-Dk3x.css", "icons-Dk3x.ttf"):
        (plain / "dist" / "_assets" / name).write_text("/* built */")
    return plain


@pytest.fixture(params=["built", "plain"])
def web(request: pytest.FixtureRequest) -> Path:
    """Either of them: what holds for one must hold for the other."""
    return Path(request.getfixturevalue(request.param))


def application(made: WebPages) -> ASGIApp:
    """The least that serves the pages as the gateway does."""
    pages = BrowserPages(made, Starlette(routes=[Route("/graphql", made.explorer)]))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"headers": dict(scope["headers"])}
        await pages(scope, receive, send)

    return ExceptionMiddleware(app)


@asynccontextmanager
async def serving(web: Path, demo_token: str | None = None, prefix: str = "") -> AsyncIterator[AsyncClient]:
    """A browser's client of the pages in `web`; `prefix` is what a trusted proxy says that it took away."""
    transport = ASGITransport(app=application(pages(turns=Turns(), demo_token=demo_token, web=web)), root_path=prefix)
    async with AsyncClient(transport=transport, base_url="http://gateway.test", headers=BROWSER) as client:
        yield client


def config_of(page: Response) -> dict[str, Any]:
    """What the page's scripts read."""
    (embedded,) = re.findall(r'<script type="application/json" id="config">(.*?)</script>', page.text, re.DOTALL)
    config: dict[str, Any] = json.loads(embedded)
    return config


def policy_of(page: Response) -> dict[str, list[str]]:
    """The Content-Security-Policy by directive."""
    directives = [directive.split() for directive in page.headers["content-security-policy"].split("; ")]
    return {name: sources for name, *sources in directives}


async def test_the_explorer_is_told_where_to_ask_and_what_to_show(web: Path) -> None:
    """The config has the way to the root, no token unless it was given, and an example for each REST route and a subscription."""
    async with serving(web) as client:
        config = config_of(await client.get("/graphql"))
    assert (config["root"], config["sdlUrl"], config["token"]) == ("./", None, None)
    assert [example["name"] for example in config["examples"]] == [
        "Welcome",
        "List",
        "Get",
        "Create",
        "Update",
        "Delete",
        "Watch",
        "Pipeline",
    ]
    assert set(config["examples"][0]) == {"name", "hint", "document", "variables"}


async def test_the_docs_are_told_where_they_are(web: Path) -> None:
    """Swagger UI reads the gateway's own OpenAPI document, one level up, and gets the demo's token."""
    async with serving(web, demo_token="demo") as client:
        config = config_of(await client.get("/api/docs"))
    assert (config["root"], config["token"]) == ("../", "demo")


@pytest.mark.parametrize("path", PATHS)
async def test_a_config_cannot_end_its_element(web: Path, path: str) -> None:
    """Whatever the token holds arrives in the browser as it is, and no markup of it does."""
    nasty = "</script><script>alert(1)</script><!--\u2028\u2029&amp;"
    async with serving(web, demo_token=nasty) as client:
        page = await client.get(path)
    assert config_of(page)["token"] == nasty
    assert "alert(1)</script>" not in page.text
    assert "\u2028" not in page.text


@pytest.mark.parametrize("path", PATHS)
async def test_no_script_is_inline(web: Path, path: str) -> None:
    """The policy forbids them, so a page that had one would be broken."""
    async with serving(web) as client:
        page = await client.get(path)
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.DOTALL):
        assert "src=" in attributes or 'type="application/json"' in attributes, body
    assert not re.search(r"\son\w+=|style=|<style", page.text)


@pytest.mark.parametrize("path", PATHS)
async def test_the_policy_allows_this_host_only(built: Path, path: str) -> None:
    """A built page needs no other host, no eval and no inline script."""
    async with serving(built) as client:
        policy = policy_of(await client.get(path))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == ["'self'"]
    everything = {source for name, sources in policy.items() if name != "style-src" for source in sources}
    assert everything == {"'none'", "'self'", "data:"}


async def test_the_start_page_needs_no_other_host(plain: Path) -> None:
    """It works offline also where nothing was built: it is made of a few files of ours."""
    async with serving(plain) as client:
        page = await client.get("/")
    assert {source for sources in policy_of(page).values() for source in sources} == {"'none'", "'self'", "data:"}
    assert "//" not in page.text.replace("http://127.0.0.1:8000/", "")


async def test_only_the_explorer_has_inline_styles(built: Path) -> None:
    """Its editors place text with them; Swagger UI does without."""
    async with serving(built) as client:
        styles = [policy_of(await client.get(path))["style-src"] for path in PATHS]
    assert styles == [["'self'"], ["'self'", "'unsafe-inline'"], ["'self'"]]


@pytest.mark.parametrize("path", FROM_CDN)
async def test_without_a_build_the_cdn_is_the_one_other_host(plain: Path, path: str) -> None:
    """Data goes to this host only, even then."""
    async with serving(plain) as client:
        policy = policy_of(await client.get(path))
    assert policy["script-src"] == ["'self'", CDN]
    assert policy["connect-src"] == policy["worker-src"] == ["'self'"]


@pytest.mark.parametrize("path", FROM_CDN)
async def test_every_file_from_the_cdn_is_pinned(plain: Path, path: str) -> None:
    """A full version and a hash on each: a changed file is refused. `npm run sri` compares the hashes with the packages."""
    async with serving(plain) as client:
        page = await client.get(path)
    tags = [tag for tag in re.findall(r"<(?:script|link)[^>]*>", page.text) if "//" in tag]
    assert tags
    for tag in tags:
        assert re.search(rf'"{CDN}/npm/(?:@\w+/)?[\w-]+@\d+\.\d+\.\d+/[\w./-]+" integrity="sha384-[A-Za-z0-9+/]{{64}}"', tag)
        assert " crossorigin " in tag


@pytest.mark.parametrize("path", PATHS)
async def test_the_page_stands_alone(web: Path, path: str) -> None:
    """It can't be framed, tells nobody where it was linked from, and its type isn't guessed."""
    async with serving(web) as client:
        headers = (await client.get(path)).headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


async def test_one_address_serves_page_and_api(web: Path) -> None:
    """`/` and `/graphql` answer by Accept, and caches must know."""
    async with serving(web) as client:
        for path in ("/", "/graphql"):
            assert (await client.get(path)).headers["vary"] == "Accept"


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_with_a_token_is_not_kept(web: Path, path: str) -> None:
    """Without one it may be kept, but is asked for again, so that a new build is seen."""
    async with serving(web) as client:
        assert (await client.get(path)).headers["cache-control"] == "no-cache"
    async with serving(web, demo_token="demo") as client:
        assert (await client.get(path)).headers["cache-control"] == "no-store"


def files_of(page: Response, address: str) -> list[str]:
    """The addresses of the page's own files, as a browser takes them that was asked for `address`."""
    return [urljoin(address, file) for file in re.findall(r'(?:src|href)="([^":]+/_assets/[^"]+)"', page.text)]


TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("prefix", "shown"), [("", ""), ("", "/crm"), ("/crm", "/crm"), ("/a/b", "/a/b")], ids=["root", "taken", "told", "deep"]
)
async def test_what_a_page_refers_to_is_there(web: Path, path: str, prefix: str, shown: str) -> None:
    """Each of the page's own files is found and has the right type, also below a prefix that a proxy took away, told of or not."""
    async with serving(web, prefix=prefix) as client:
        page = await client.get(path)
        files = files_of(page, shown + path)
        assert files
        for file in files:
            assert file.startswith(f"{shown}/_assets/")
            answer = await client.get(file.removeprefix(shown))
            assert answer.status_code == 200, file
            assert answer.headers["content-type"] == TYPES[Path(file).suffix]


async def test_the_start_page_below_a_prefix_without_its_slash(web: Path) -> None:
    """A browser that was asked for `/crm` finds the files where the proxy tells the prefix."""
    async with serving(web, prefix="/crm") as client:
        page = await client.get("/")
    assert all(file.startswith("/crm/_assets/") for file in files_of(page, "/crm"))
    assert config_of(page)["root"] == "/crm/"


@pytest.mark.parametrize("prefix", ['/"><script>', "/a b", "//evil.example", "/é"])
async def test_a_prefix_ends_no_markup(web: Path, prefix: str) -> None:
    """Whatever a prefix holds is an address on this host in the page."""
    async with serving(web, prefix=prefix) as client:
        page = await client.get("/")
    root = config_of(page)["root"]
    assert re.fullmatch(r"/[\w./%-]+/", root)
    assert not root.startswith("//")
    assert "><script>/" not in page.text


async def test_built_files_never_change(built: Path) -> None:
    """Their names carry a digest, so a browser keeps them; a 304 says so too."""
    async with serving(built) as client:
        page = await client.get("/graphql")
        (file, *_) = files_of(page, "/graphql")
        first = await client.get(file)
        again = await client.get(file, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["cache-control"] == again.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_plain_files_are_asked_for_again(plain: Path) -> None:
    """Their names stay when they change."""
    async with serving(plain) as client:
        assert (await client.get("/_assets/bar.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("file", ["/favicon.ico", "/_assets/bar.js"])
async def test_a_reader_holds_no_open_file(plain: Path, file: str) -> None:
    """However long it takes: the descriptors of a process are for connections and the database."""
    made = pages(turns=Turns(), demo_token=None, web=plain)
    held: list[str] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            held.extend(each.path for each in psutil.Process().open_files() if each.path.startswith(str(plain)))

    scope = {"type": "http", "method": "GET", "path": file, "headers": [], "state": {"headers": {}}}
    await BrowserPages(made, not_found)(scope, receive, send)
    assert held == []


async def test_files_are_those_of_the_start(plain: Path) -> None:
    """Which there are is known: an address of a thousand folders isn't looked for on the disk."""
    made = pages(turns=Turns(), demo_token=None, web=plain)
    (plain / "plain" / "_assets" / "late.js").write_text("")
    async with AsyncClient(transport=ASGITransport(app=application(made)), base_url="http://gateway.test") as client:
        assert (await client.get("/_assets/late.js")).status_code == 404


def test_a_file_that_has_gone(plain: Path) -> None:
    """Whoever replaces the package under a running process leaves no defect in the log."""
    made = pages(turns=Turns(), demo_token=None, web=plain)
    (plain / "plain" / "_assets" / "bar.js").unlink()
    with pytest.raises(NotFound):
        _ = made.files["/_assets/bar.js"].content


async def test_fonts_have_their_type(built: Path) -> None:
    """Not every machine's table of types knows them."""
    (font, *_) = (built / "dist" / "_assets").glob("*.ttf")
    async with serving(built) as client:
        assert (await client.get(f"/_assets/{font.name}")).headers["content-type"] == "font/ttf"


@pytest.mark.parametrize("path", ["explorer.html", "../explorer.html", "%2e%2e/explorer.html", "..%2fexamples/2-list.json", "", "no.js"])
async def test_only_assets_are_public(web: Path, path: str) -> None:
    """The templates without policy and configuration, and everything beside them, are not."""
    async with serving(web) as client:
        assert (await client.get(f"/_assets/{path}")).status_code == 404


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["name"])
def test_an_example_is_whole(example: dict[str, str]) -> None:
    """It has one named operation, and values for exactly the variables that it declares."""
    (operation,) = parse(example["document"]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    assert example["hint"]
    declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
    assert declared == set(json.loads(example["variables"] or "{}"))
