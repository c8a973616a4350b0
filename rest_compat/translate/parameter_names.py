"""Names of query parameters as clients write them: arrays, and names that are almost right."""

import re
from collections.abc import Collection, Mapping

LONGEST_NAME = 100
"""Characters of a name that is compared with the known ones: none of those is as long."""

_ELEMENT = re.compile(r"([^\[\]]+)\[([0-9]{0,9})\]")
_SIGNS = re.compile(r"[\W_]+")
_MORE = re.compile(r"\[|__|[.:]")
"""Where a name ends and what is said of it begins: `stage[x]`, `stage__in`, `stage.0`."""


def element(name: str) -> tuple[str, int | None] | None:
    """The parameter and the index in the name of an array's element: `stage[]`, `stage[0]`. None if the name is not written so."""
    found = _ELEMENT.fullmatch(name) if name.endswith("]") else None
    return (found[1], int(found[2]) if found[2] else None) if found else None


class SimilarNames:
    """Finds the known name that an unknown one is almost: equal but for case and signs, or with more behind it."""

    def __init__(self, known: Collection[str]) -> None:
        self._known: Mapping[str, str] = {_bare(name): name for name in known}

    def of(self, name: str) -> str | None:
        """`accountId` for `account_id`, `page` for `page[number]`, `stage` for `stage__in`; None where no known name is near."""
        if len(name) > LONGEST_NAME:
            return None
        return self._known.get(_bare(name)) or self._known.get(_bare(_MORE.split(name, maxsplit=1)[0]))


def _bare(name: str) -> str:
    return _SIGNS.sub("", name).casefold()
