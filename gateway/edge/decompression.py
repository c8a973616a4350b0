"""Request bodies that come compressed (RFC 9110 section 8.4): gzip, up to the same limit when it is unpacked."""

import zlib
from typing import Final

from rest_compat.errors import Headers

from .faults import BadRequest, TooLarge, Unsupported

GZIP: Final = frozenset({b"gzip", b"x-gzip"})
IDENTITY: Final = frozenset({b"", b"identity"})
#: Of gzip's frame around the data, and not of zlib's own (zlib.h, `inflateInit2`).
WINDOW: Final = 16 + zlib.MAX_WBITS
#: A body is one, as a rule; each takes a copy of what comes behind it.
MOST_MEMBERS: Final = 16
TAKEN: Final[Headers] = [(b"accept-encoding", b"gzip, identity")]


def codings(content_encoding: bytes) -> int:
    """How many times a body is packed by gzip: not at all, or once. Raises Unsupported, which says what is taken."""
    names = [name for name in (part.strip().lower() for part in content_encoding.split(b",")) if name not in IDENTITY]
    if len(names) > 1 or not GZIP.issuperset(names):
        raise Unsupported("Send the request body without Content-Encoding, or packed once by gzip.", TAKEN)
    return len(names)


def unpacked(body: bytes, limit: int) -> bytes:
    """What gzip has packed, no more than `limit` bytes of it. Raises BadRequest, TooLarge."""
    whole = b""
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(WINDOW)
        try:
            whole += member.decompress(body, limit + 1 - len(whole))
        except zlib.error:
            raise BadRequest("The request body is no gzip, though Content-Encoding says so.") from None
        if len(whole) > limit:
            raise TooLarge(limit)
        if not member.eof:
            raise BadRequest("The request body ends before its gzip does.")
        body = member.unused_data
        if not body:
            return whole
    raise BadRequest(f"The request body has more than {MOST_MEMBERS} members of gzip: send it as one.")
