"""The two pages for a browser: the GraphQL explorer and the REST documentation.

`web/dist` holds them built, with everything they need; where it is missing, `web/plain` shows the same from a pinned CDN.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

WEB = Path(__file__).parent / "web"
CDN = "https://cdn.jsdelivr.net"
CONFIG_SLOT = '<script type="application/json" id="config">{}</script>'

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}

# Said here and not left to the machine's table of types: with `nosniff`, a wrong type is a blank page.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".ttf": "font/ttf",
}


@dataclass(frozen=True)
class _Page:
    html: str
    headers: Mapping[str, str]

    def response(self) -> Response:
        return HTMLResponse(self.html, headers=self.headers)


@dataclass(frozen=True)
class Pages:
    """`assets` is to be mounted at `/_assets`; the pages refer to it by that path."""

    assets: ASGIApp
    _explorer: _Page
    _docs: _Page

    def explorer(self) -> Response:
        """GraphiQL, for `GET /graphql` from a browser (`Accept: text/html`)."""
        return self._explorer.response()

    def docs(self) -> Response:
        """Swagger UI over `/api/openapi.json`, for `GET /api/docs`."""
        return self._docs.response()


def pages(*, demo_token: str | None, sdl_url: str | None = None, web: Path = WEB) -> Pages:
    """Read the pages once; with `demo_token` they open signed in, so give one only where nobody else can ask (`--demo`).

    `sdl_url` is where they download the schema as text, None where that is not shown.
    """
    built = (web / "dist" / "explorer.html").is_file()
    folder = web / ("dist" if built else "plain")
    cdn = "" if built else CDN
    config = {"url": "/graphql", "subscriptionUrl": "/graphql", "openapiUrl": "/api/openapi.json", "sdlUrl": sdl_url, "token": demo_token}
    cached = {"Cache-Control": "no-store" if demo_token else "no-cache"}
    explorer = {**HEADERS, **cached, "Content-Security-Policy": _policy(cdn, "'unsafe-inline'"), "Vary": "Accept"}
    docs = {**HEADERS, **cached, "Content-Security-Policy": _policy(cdn)}
    return Pages(
        assets=_Assets(folder / "_assets", "public, max-age=31536000, immutable" if built else "no-cache"),
        _explorer=_Page(_filled(folder / "explorer.html", {**config, "examples": examples(web / "examples")}), explorer),
        _docs=_Page(_filled(folder / "docs.html", config), docs),
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
    return page.read_text("utf-8").replace(CONFIG_SLOT, CONFIG_SLOT.replace("{}", embedded))


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


class _Assets(StaticFiles):
    """Files with content types of our choosing; built ones carry a digest in their names and never change."""

    def __init__(self, directory: Path, cache_control: str) -> None:
        super().__init__(directory=directory)
        self.cache_control = cache_control

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = self.cache_control
        if (content_type := CONTENT_TYPES.get(Path(full_path).suffix)) and "content-type" in response.headers:
            response.headers["content-type"] = content_type
        return response
