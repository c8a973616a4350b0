"""Text: its folded form for searching and sorting, and trimming of invisible characters."""

import json
import re
from unicodedata import normalize

from schema.values import Value

SHOWN = 60
LONGEST_NAME = 600
_LONG_NUMBER = 10**SHOWN

_UNSEEN = (
    # Blanks, controls, Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and the blank pattern of Braille.
    r"\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
VISIBLE = f"[^{_UNSEEN}]"
"""The pattern of a text in which something can be seen, for clients too: what is unseen beyond U+FFFF is left out, since not every
engine of regular expressions reads it.
"""
_NOTHING = re.compile(f"[{_UNSEEN}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*")
_ENDS = "".join(each for each in map(chr, range(0x3001)) if each.isspace()) + "\u00ad\u180e\u200b\u2060\ufeff"
"""Blanks, and what means nothing at the end of a text: soft hyphen, vowel separator, zero-width space, word joiner, byte-order mark.

What joins, directs or varies the character beside it (as in emoji, flags, Persian, Hebrew) means something there, and stays.
"""


def fold(text: str) -> str:
    """`text` as it is searched and sorted by: alike whatever its case, its width, and the form in which its accents are written.

    Unicode's compatibility composition before and after full case folding (UAX 15, NFKC; Unicode section 3.13). Folding twice changes
    nothing more.
    """
    return text.lower() if text.isascii() else normalize("NFKC", normalize("NFKC", text).casefold())


def fold_name(name: str) -> str:
    """A name as it is kept, or what is looked for in one: at most 600 characters of it folded, so that it fits into an index and a cursor.

    Only names of characters that stand for several each are cut.
    """
    return fold(name)[:LONGEST_NAME]


def fold_email(email: str) -> str:
    """An e-mail address as it is compared: alike whatever its case. Addresses that merely look alike are different mailboxes."""
    return email.casefold()


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen: it is empty, or only blanks, controls and characters without a shape."""
    return _NOTHING.fullmatch(text) is not None


def trimmed(text: str) -> str:
    """`text` without blanks of any kind, zero-width ones too, at its ends; empty where nothing of it can be seen."""
    shorter = text.strip(_ENDS)
    return "" if is_blank(shorter) else shorter


def shown(value: Value) -> str:
    """A JSON value as a message may hold it: at most 60 characters, without controls and lone surrogates."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f'"{shortened(value)}"'
    # Python takes quadratic time to write a long number, and refuses to write a very long one.
    return "a number of many digits" if isinstance(value, int) and abs(value) >= _LONG_NUMBER else shortened(json.dumps(value))


def shortened(text: str) -> str:
    """A text as a message may hold it: at most 60 characters, without controls and lone surrogates."""
    cut = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return cut if cut.isprintable() else "".join(map(_printable, cut))


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
