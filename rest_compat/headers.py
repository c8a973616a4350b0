"""Request headers read: Accept, Content-Type, Prefer, If-Match and If-None-Match, Idempotency-Key; and entity tags made."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from hashlib import blake2b

from .errors import Item, Refused, malformed

JSON = "application/json"
LONGEST_CACHED = 512
GRAPHQL_INT = 2_147_483_647

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


def read_headers(raw: Collection[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """ASGI's pairs by lower-case name; lines of the same name are joined by a comma (RFC 9110, section 5.2)."""
    found = {name: value.decode("latin-1") for name, value in raw}
    return found if len(found) == len(raw) else _joined(raw)


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name, value in raw:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def check_accept(accept: str) -> None:
    """Raise 406 where the header excludes JSON. Naming only problem+json is taken as wanting its errors so, and JSON else."""
    if accept and not (_accepts_json(accept) if len(accept) <= LONGEST_CACHED else _reads_json(accept)):
        raise Refused("NOT_ACCEPTABLE", f"This resource is served as {JSON} only.")


def _reads_json(accept: str) -> bool:
    quality: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality[media] = _quality(parameters)
    if quality.get("application/problem+json"):
        return True
    for media in (JSON, "application/*", "*/*"):
        if media in quality:
            return quality[media] > 0
    return not any(quality)


_accepts_json = lru_cache(maxsize=256)(_reads_json)


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def check_content_type(content_type: str) -> None:
    """Raise 415 unless it is JSON (a `+json` type counts) in UTF-8."""
    media, *parameters = (piece.strip() for piece in content_type.lower().split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    is_json = media == JSON or (media.count("/") == 1 and media.endswith("+json"))
    if not is_json or charset not in {"utf-8", "utf8"}:
        raise Refused("UNSUPPORTED_MEDIA_TYPE", f"The body must be {JSON} in UTF-8.", headers={"Accept": JSON})


def is_strict(prefer: str) -> bool:
    """Whether `Prefer: handling=strict` is given (RFC 7240); of several `handling`, the first counts."""
    for preference in prefer.lower().replace('"', "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip() == "handling":
            return value.strip() == "strict"
    return False


def idempotency_key(header: str) -> str:
    """The key, bare or quoted. Raises 400."""
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _PRINTABLE.fullmatch(key):
        raise malformed([Item("Idempotency-Key", "bad_request", "Allowed are 1 to 255 printable ASCII characters, bare or in quotes.")])
    return key


def expected_version(if_match: str) -> int | None:
    """The version that `If-Match` asks for; None for `*`.

    Only the version in the tag counts. A tag that is weak or not one of ours matches nothing, which is said as version 0: no record has it.
    Of several, the newest counts, since versions only grow.
    """
    if if_match.strip() == "*":
        return None
    versions = [tag.partition("-")[0] for weak, tag in _TAG.findall(if_match) if not weak]
    known = [int(version) for version in versions if re.fullmatch(r"[0-9]{1,10}", version)]
    return max((version for version in known if version <= GRAPHQL_INT), default=0)


def is_fresh(if_none_match: str, tag: str) -> bool:
    """Whether `If-None-Match` names `tag`, compared weakly (RFC 9110, section 13.1.2)."""
    if if_none_match.strip() == "*":
        return True
    return any(f'"{found}"' == tag for _, found in _TAG.findall(if_none_match))


def entity_tag(version: int, *parts: bytes) -> str:
    """A strong tag: `"<version>-<digest of the parts>"`."""
    digest = blake2b(b"\0".join(parts), digest_size=8)
    return f'"{version}-{digest.hexdigest()}"'
