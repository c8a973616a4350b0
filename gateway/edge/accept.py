"""Parses the Accept header (RFC 9110, section 12.5.1), for both doors.

Of the ranges that cover a media type the most specific one counts, and its weight decides: 0 excludes. A range that isn't one is left out.
A weight that isn't one counts as 0, since what was meant can't be known. A header that names nothing counts as absent: anything will do.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

#: Characters of a header that are read: real Accept headers are shorter.
LONGEST_READ: Final = 4_096

_NAME: Final = r"[!#$%&'*+.^_`|~0-9a-z-]+"
#: Between quotes, to the end where they aren't closed. Nothing here looks back, so that no header takes long.
_QUOTED: Final = r'"(?:[^"\\]|\\.?)*+(?:"|$)'
#: The parts of a list; a comma within quotes is none that separates.
_PARTS: Final = re.compile(rf'(?:[^,"]++|{_QUOTED})++', re.DOTALL)
_RANGE: Final = re.compile(rf"\s*+({_NAME}+/{_NAME}+)\s*+(?:;|$)")
_PARAMETERS: Final = re.compile(rf";\s*+({_NAME}+)\s*+=\s*+({_QUOTED}|[^;,\s]*+)", re.DOTALL)
#: RFC 9110, section 12.4.2, and what is written instead of it: more digits, and none before the point.
_WEIGHT: Final = re.compile(r"(?:0?\.[0-9]+|[01](?:\.[0-9]*)?)", re.ASCII)

Ranges: TypeAlias = Mapping[str, float]
"""Weights from 0 to 1 by media range, in lower case."""


def read_accept(header: str) -> Ranges:
    """The ranges of an Accept header with their weights. One that is there twice counts where it fits best, then where it weighs most."""
    found: dict[str, tuple[int, float]] = {}
    for part in _PARTS.findall(header[:LONGEST_READ].lower()):
        if named := _RANGE.match(part):
            parameters = _PARAMETERS.findall(part, named.end(1))
            found[named[1]] = max(found.get(named[1], (0, 0.0)), (_fit(parameters), _weight(parameters)))
    return {name: weight for name, (_, weight) in found.items()}


def quality(ranges: Ranges, media: str) -> float:
    """The weight of the most specific range that covers `media`; 0 where none does."""
    for name in (media, media.partition("/")[0] + "/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0


def names(ranges: Ranges, media: str) -> bool:
    """Whether the header names `media` itself."""
    return ranges.get(media, 0.0) > 0


def _fit(parameters: list[tuple[str, str]]) -> int:
    """Return how specific a media range is by its parameters: 3 if all match, 2 if there are none, 1 if there are others."""
    own = {(name, value.strip('"')) for name, value in parameters if name != "q"}
    if not own:
        return 2
    return 3 if own == {("charset", "utf-8")} else 1


def _weight(parameters: list[tuple[str, str]]) -> float:
    for name, value in parameters:
        if name == "q":
            return min(float(value), 1.0) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0
