"""Scopes: what a token is narrowed to, beside its role. `accounts:read` is a kind of record, and what may be done with it."""

from collections.abc import Iterable

READ, WRITE = "read", "write"

MOST_SCOPES = 100
"""The most scopes of a token."""

KNOWN: set[str] = set()
"""All scopes that there are: nouns and extensions add theirs when they are declared."""


def scope(area: str, verb: str) -> str:
    """The scope of doing `verb` with the records of `area`."""
    return f"{area}:{verb}"


def declare(area: str, *, written: bool = False) -> None:
    """Adds the scopes of an area whose records can be read, and changed if they are `written`."""
    KNOWN.add(scope(area, READ))
    if written:
        KNOWN.add(scope(area, WRITE))


def unknown(scopes: Iterable[str]) -> list[str]:
    """Return the unknown ones of `scopes`, in order."""
    return [each for each in scopes if each not in KNOWN]


def is_like_scope(word: str) -> bool:
    """Whether a word is written as scopes are, in whatever case; there need be none of that name."""
    return word.lower().endswith((f":{READ}", f":{WRITE}"))


def effective(scopes: Iterable[str]) -> frozenset[str]:
    """Return the effective scopes of a token: a scope to change records includes reading them, since a change returns the record."""
    given = frozenset(scopes)
    return given | {scope(each.removesuffix(f":{WRITE}"), READ) for each in given if each.endswith(f":{WRITE}")}


def listed(scopes: Iterable[str]) -> str:
    """Scopes as a sentence has them: `a`, `a and b`, `a, b and c`."""
    *most, last = scopes
    return f"{', '.join(most)} and {last}" if most else last


def advice() -> str:
    """All scopes, for whoever named one that doesn't exist."""
    return ", ".join(sorted(KNOWN))
