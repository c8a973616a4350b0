"""Request bodies that come compressed (RFC 9110 section 8.4): gzip, up to the same limit when it is unpacked."""

import zlib
from typing import Final

from rest_compat.errors import BodyTooLarge, Headers, MalformedRequest, UnsupportedMediaType

GZIP: Final = frozenset({b"gzip", b"x-gzip"})
IDENTITY: Final = frozenset({b"", b"identity"})
#: Of gzip's frame around the data, and not of zlib's own (zlib.h, `inflateInit2`).
WINDOW: Final = 16 + zlib.MAX_WBITS
#: A body is one, as a rule; each takes a copy of what comes behind it.
MOST_MEMBERS: Final = 16
TAKEN: Final[Headers] = [(b"accept-encoding", b"gzip, identity")]


def codings(content_encoding: bytes) -> int:
    """Return how many times a body is compressed by gzip: 0 or 1. Raises UnsupportedMediaType, which names the accepted codings."""
    names = [name for name in (part.strip().lower() for part in content_encoding.split(b",")) if name not in IDENTITY]
    if len(names) > 1 or not GZIP.issuperset(names):
        raise UnsupportedMediaType("Send the request body without Content-Encoding, or packed once by gzip.", TAKEN)
    return len(names)


def unpacked(body: bytes, limit: int) -> bytes:
    """Return the decompressed body, at most `limit` bytes. Raises MalformedRequest, BodyTooLarge."""
    whole = b""
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(WINDOW)
        try:
            whole += member.decompress(body, limit + 1 - len(whole))
        except zlib.error:
            raise MalformedRequest("The request body is no gzip, though Content-Encoding says so.") from None
        if len(whole) > limit:
            raise BodyTooLarge(limit)
        if not member.eof:
            raise MalformedRequest("The request body ends before its gzip does.")
        body = member.unused_data
        if not body:
            return whole
    raise MalformedRequest(f"The request body has more than {MOST_MEMBERS} members of gzip: send it as one.")
