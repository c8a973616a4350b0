"""The files of the pages, kept in memory: a file that is open for each reader would take the descriptors that connections need."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Final, NamedTuple

from starlette.types import Receive, Scope, Send

from gateway.edge.compression import ConstantBody
from gateway.edge.respond import send_whole
from gateway.edge.turns import Turns
from rest_compat.errors import HttpResponse, NotFound

# Said here and not left to the machine's table of types: with `nosniff`, a wrong type is a blank page.
CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}
UNKNOWN_TYPE: Final = "application/octet-stream"


class FileContent(NamedTuple):
    """What a file holds, and its entity tag."""

    body: ConstantBody
    tag: bytes


class PageFile:
    """A file as an ASGI application. It is read when it is first asked for, once for all who ask.

    Its readers take `turns`: to hand megabytes to the system takes milliseconds.
    """

    def __init__(self, path: Path, cache_control: str, turns: Turns) -> None:
        self.path = path
        self._turns = turns
        kind = CONTENT_TYPES.get(path.suffix) or guess_type(path.name)[0] or UNKNOWN_TYPE
        self._kind = (b"content-type", kind.encode())
        self._cache = (b"cache-control", cache_control.encode())

    @cached_property
    def content(self) -> FileContent:
        """Raises NotFound where the file has gone since the start."""
        try:
            body = self.path.read_bytes()
        except OSError:
            raise NotFound("There is nothing at this address.") from None
        return FileContent(ConstantBody(body), b'"%b"' % sha256(body).hexdigest()[:32].encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        body, tag = self.content
        headers = [self._cache, (b"etag", tag)]
        if tag in scope["state"]["headers"].get(b"if-none-match", b""):
            await send_whole(scope, send, HttpResponse(304, headers, b""))
            return
        await self._turns.come()
        await send_whole(scope, send, HttpResponse(200, [self._kind, *headers], body))


def files_in(folder: Path, address: str, cache_control: str, turns: Turns) -> dict[str, PageFile]:
    """The files of a folder by their addresses below `address`; those of folders in it are not served."""
    return {f"{address}/{path.name}": PageFile(path, cache_control, turns) for path in folder.glob("*") if path.is_file()}
