"""The request header `Prefer` (RFC 7240): what a client would like, which the answer confirms by `Preference-Applied`."""

from typing import Final, NamedTuple

from .accept import remembered

STRICT: Final = "handling=strict"
NULLS_IGNORED: Final = "null=ignore"


class Preferences(NamedTuple):
    """`strict`: what is unknown is an error. `nulls_ignored`: members of the body that are null count as absent."""

    strict: bool = False
    nulls_ignored: bool = False


NONE: Final = Preferences()


@remembered
def read_preferences(prefer: str) -> Preferences:
    """The preferences that are known here. If one is given several times, the first counts; its parameters count for nothing."""
    found: dict[str, str] = {}
    for preference in prefer.lower().replace('"', "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        found.setdefault(name.strip(), value.strip())
    return Preferences(found.get("handling") == "strict", found.get("null") == "ignore")
