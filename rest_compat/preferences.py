"""The request header `Prefer` (RFC 7240): what a client would like, which the answer confirms by `Preference-Applied`."""

import re
from typing import Final, NamedTuple

from .parse_cache import cached_parser

STRICT: Final = "handling=strict"
NULLS_IGNORED: Final = "null=ignore"

#: Between quotes, to the end where they aren't closed. Nothing here looks back, so that no header takes long.
_QUOTED: Final = r'"(?:[^"\\]|\\.?)*+(?:"|$)'
#: The preferences; a comma within quotes is none that separates.
_PARTS: Final = re.compile(rf'(?:[^,"]++|{_QUOTED})++', re.DOTALL)
_NAMED: Final = re.compile(rf'\s*+([^\s=;"]++)\s*+(?:=\s*+({_QUOTED}|[^\s;"]*+))?', re.DOTALL)


class Preferences(NamedTuple):
    """`strict`: what is unknown is an error. `nulls_ignored`: members of the body that are null count as absent.

    `applied` is how the answer to a call with a body confirms them.
    """

    strict: bool = False
    nulls_ignored: bool = False
    applied: tuple[str, ...] = ()


NONE: Final = Preferences()


@cached_parser
def read_preferences(prefer: str) -> Preferences:
    """The preferences that are known here. If one is given several times, the first counts; its parameters count for nothing."""
    found: dict[str, str] = {}
    for part in _PARTS.findall(prefer.lower()):
        if named := _NAMED.match(part):
            found.setdefault(named[1], (named[2] or "").strip('"'))
    strict, nulls_ignored = found.get("handling") == "strict", found.get("null") == "ignore"
    applied = [text for text, is_wanted in ((STRICT, strict), (NULLS_IGNORED, nulls_ignored)) if is_wanted]
    return Preferences(strict, nulls_ignored, tuple(applied))
