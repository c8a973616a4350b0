"""The pages for a browser: the start page, the GraphQL explorer and the REST documentation.

`web/dist` holds them built, with everything they need; where it is missing, `web/plain` shows the same from a pinned CDN.
Addresses in them are relative, so that they also work below a prefix that a proxy takes away.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.negotiate import accepted_types
from gateway.edge.turns import Turns
from rest_compat.errors import MethodNotAllowed

from .page_files import PageFile, files_in

WEB = Path(__file__).parent / "web"
CDN = "https://cdn.jsdelivr.net"
CONFIG_SLOT = '<script type="application/json" id="config">{}</script>'
#: Stands in a page for the way to the gateway's root, which depends on the prefix that it was asked for below.
ROOT_SLOT: Final = "%ROOT%"
#: An address in a page, from where its file is.
RELATIVE: Final = re.compile(r'="\.{1,2}/')
ASSETS: Final = "/_assets"
START: Final = "/"
DOCS: Final = "/api/docs"
ICON: Final = "/favicon.ico"

#: Where a page is looked for and is not: the way to where it is, relative, as a proxy may have taken a prefix away.
REDIRECTS: Final[Mapping[str, str]] = {"/graphql/": "../graphql", "/docs": "api/docs", "/docs/": "../api/docs", "/api/docs/": "../docs"}

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class HtmlPage:
    """An HTML page; `up` is the relative way from its address to the gateway's root."""

    html: str
    headers: Mapping[str, str]
    up: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        html = self.html.replace(ROOT_SLOT, root_of(scope, self.up))
        await HTMLResponse(html, headers=self.headers)(scope, receive, send)


def root_of(scope: Scope, up: str) -> str:
    """Return the address of the gateway's root, with its last slash: the prefix that is known, else the relative way `up`.

    A browser that was asked for `/crm`, without the slash, takes relative addresses for the host's own.
    """
    prefix = scope.get("root_path", "").strip("/")
    return f"/{quote(prefix, safe='/%')}/" if prefix else up


@dataclass(frozen=True)
class WebPages:
    """The pages and their files, to which they refer by `/_assets/` below the root."""

    files: Mapping[str, PageFile]
    start: HtmlPage
    explorer: HtmlPage
    docs: HtmlPage


class BrowserPages:
    """Serves the pages and their files, but for the explorer, which shares `/graphql` with the API; `otherwise` takes the rest."""

    def __init__(self, pages: WebPages, otherwise: ASGIApp) -> None:
        self.pages = pages
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._page(scope) if scope["type"] == "http" else None
        if page is not None:
            scope["state"]["route"] = ASSETS if scope["path"].startswith(ASSETS) else scope["path"]
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed("This page can only be read: use GET or HEAD.", "GET, HEAD")
        await (page or self.otherwise)(scope, receive, send)

    def _page(self, scope: Scope) -> ASGIApp | None:
        path = scope["path"]
        if path == START:
            # Programs get 404, as before.
            return self.pages.start if accepted_types(scope["state"]["headers"].get(b"accept")).page else None
        if path == DOCS:
            return self.pages.docs
        return redirect(scope) if path in REDIRECTS else self.pages.files.get(path)


def redirect(scope: Scope) -> Response:
    """Lead a browser to the page that it means, with its query string."""
    query = scope["query_string"].decode("latin-1")
    return RedirectResponse(REDIRECTS[scope["path"]] + (f"?{query}" if query else ""))


def is_built(web: Path = WEB) -> bool:
    """Whether all pages are built: a build made before the start page existed does not count."""
    return (web / "dist" / "plain" / "start.html").is_file()


def pages(*, turns: Turns, demo_token: str | None, sdl_url: str | None = None, web: Path = WEB) -> WebPages:
    """Read the pages once; with `demo_token` they open signed in, so give one only where nobody else can ask (`--demo`).

    `sdl_url` is where they download the schema as text, None where that is not shown. Readers of files take `turns`.
    """
    built = is_built(web)
    folder = web / ("dist" if built else "plain")
    start = (web / "dist" if built else web) / "plain" / "start.html"
    cdn = "" if built else CDN
    config = {"root": ROOT_SLOT, "sdlUrl": sdl_url and sdl_url.lstrip("/"), "token": demo_token}
    headers = {**HEADERS, "Cache-Control": "no-store" if demo_token else "no-cache"}
    by_accept = {**headers, "Vary": "Accept"}

    def page(file: Path, up: str, policy: str, headers: Mapping[str, str], **more: object) -> HtmlPage:
        return HtmlPage(_filled(file, {**config, **more}), {**headers, "Content-Security-Policy": policy}, up)

    return WebPages(
        files={
            **files_in(folder / "_assets", ASSETS, "public, max-age=31536000, immutable" if built else "no-cache", turns),
            ICON: PageFile(web / "plain" / "_assets" / "favicon.ico", "max-age=86400", turns),
        },
        start=page(start, "./", _policy(""), by_accept),
        explorer=page(folder / "explorer.html", "./", _policy(cdn, "'unsafe-inline'"), by_accept, examples=examples(web / "examples")),
        docs=page(folder / "docs.html", "../", _policy(cdn), headers),
    )


def examples(folder: Path = WEB / "examples") -> list[dict[str, str]]:
    """Read the explorer's example operations, in the order of their files: `2-list.graphql` is 'List', its variables `2-list.json`."""
    return [_example(path) for path in sorted(folder.glob("*.graphql"))]


def _example(path: Path) -> dict[str, str]:
    document = path.read_text("utf-8")
    variables = path.with_suffix(".json")
    return {
        "name": path.stem.partition("-")[2].capitalize(),
        "hint": document.partition("\n")[0].lstrip("# "),
        "document": document,
        "variables": variables.read_text("utf-8") if variables.is_file() else "",
    }


def _filled(page: Path, config: Mapping[str, object]) -> str:
    """Escape what could end the script element; beyond ASCII, json.dumps escapes by itself."""
    embedded = json.dumps(config).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    html = RELATIVE.sub(f'="{ROOT_SLOT}', page.read_text("utf-8"))
    return html.replace(CONFIG_SLOT, CONFIG_SLOT.replace("{}", embedded))


def _policy(cdn: str, styles: str = "") -> str:
    """Scripts are files of ours (or of `cdn`) only; `styles` are the inline ones, with which Monaco and CodeMirror place text."""
    directives = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "connect-src": "'self'",
        "font-src": f"'self' data: {cdn}",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "img-src": f"'self' data: {cdn}",
        "script-src": f"'self' {cdn}",
        "style-src": f"'self' {styles} {cdn}",
        "worker-src": "'self'",
    }
    return "; ".join(" ".join(f"{name} {sources}".split()) for name, sources in directives.items())
