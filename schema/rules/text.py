"""Text: as it is searched and sorted by, and without what can't be seen at its ends."""

import re
from unicodedata import normalize

_BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_SHAPELESS = (
    # Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), controls, and the blank pattern of Braille.
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NOTHING = re.compile(f"[{_BLANKS}{_SHAPELESS}]*")
_ENDS = f"{_BLANKS}\u00ad\u180e\u200b\u2060\ufeff"
"""Blanks, and what means nothing at the end of a text: soft hyphen, vowel separator, zero-width space, word joiner, byte-order mark.

What joins, directs or varies the character beside it (as in emoji, flags, Persian, Hebrew) means something there, and stays.
"""


def fold(text: str) -> str:
    """`text` as it is searched and sorted by: alike whatever its case, its width, and the form in which its accents are written.

    Unicode's compatibility composition before and after full case folding (UAX 15, NFKC; Unicode section 3.13). Folding twice changes
    nothing more.
    """
    return text.lower() if text.isascii() else normalize("NFKC", normalize("NFKC", text).casefold())


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
