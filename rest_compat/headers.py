"""Request headers read: Content-Type, If-Match and If-None-Match, Idempotency-Key."""

import re

from rest_compat.errors import JSON, ErrorItem, UnsupportedMediaType, malformed

GRAPHQL_INT = 2_147_483_647

NO_VERSION = 0
"""What a tag asks for that is none of ours: no record has this version."""

MOST_VERSIONS = 10
"""Each version that `If-Match` names may take an attempt of its own."""

CHARSETS = frozenset(("utf-8", "utf8", "us-ascii", "ascii"))
"""The charsets of JSON, in lower case: whatever is ASCII is UTF-8, too."""

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"([0-9]{1,10})(?:(?:\.([0-9]{1,19}))?-|$)")
#: What proxies add to the tag of an answer that they compress, if anything: `-gzip`, `;gzip`, `--gzip`, `.br`.
_ADDED = r"(?:[-;:.+_]{1,2}[A-Za-z][A-Za-z0-9]{0,15})?"
_SUFFIX, _ANY = re.compile(_ADDED), re.compile(rf"(?:W/)?\*{_ADDED}")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


def check_content_type(content_type: str) -> None:
    """Raise 415 unless it is JSON (a `+json` type counts) in UTF-8."""
    media, *parameters = (piece.strip() for piece in content_type.lower().split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    is_json = media == JSON or (media.count("/") == 1 and media.endswith("+json"))
    if not is_json or charset not in CHARSETS:
        raise UnsupportedMediaType(f"The body must be {JSON} in UTF-8.", [(b"accept", JSON.encode())])


def idempotency_key(header: str) -> str:
    """The key, bare or quoted. Raises 400."""
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _PRINTABLE.fullmatch(key):
        raise malformed(
            [ErrorItem("Idempotency-Key", "bad_request", "Allowed are 1 to 255 printable ASCII characters, bare or in quotes.")]
        )
    return key


def expected_versions(if_match: str, epoch: int) -> list[int]:
    """The versions that `If-Match` asks for, the newest first; none for `*`, which any version meets. Raises 400 where they are too many.

    The version and the epoch in a tag count, so weakness and what a proxy has added to the tag are passed over (nginx and Cloudflare
    weaken the tags of answers that they compress, Apache adds `-gzip`). A tag that is not one of ours matches nothing, which is said as
    NO_VERSION.
    """
    if _names_any(if_match):
        return []
    numbers = {int(found[1]) for tag in _TAG.findall(if_match) if (found := _VERSION.match(tag)) and _is_of(found, epoch)}
    versions = sorted((number for number in numbers if number <= GRAPHQL_INT), reverse=True)
    if len(versions) > MOST_VERSIONS:
        raise malformed([ErrorItem("If-Match", "bad_request", f"Allowed are the tags of at most {MOST_VERSIONS} versions.")])
    return versions or [NO_VERSION]


def _is_of(found: re.Match[str], epoch: int) -> bool:
    """Whether a tag was given in this epoch of the database. A bare version was written by someone who means the record as it is."""
    return found[0] == found[1] or int(found[2] or 0) == epoch


def is_fresh(if_none_match: str, tag: str) -> bool:
    """Whether `If-None-Match` names `tag`, compared weakly (RFC 9110, section 13.1.2) and without what a proxy has added to it."""
    known = tag[1:-1]
    return _names_any(if_none_match) or any(
        found.startswith(known) and _SUFFIX.fullmatch(found, len(known)) for found in _TAG.findall(if_none_match)
    )


def _names_any(header: str) -> bool:
    """Whether a list of entity tags contains `*` outside of quotes."""
    return "*" in header and any(_ANY.fullmatch(part.strip()) for part in _TAG.sub("", header).split(","))
