"""Text as it is searched, sorted and trimmed, against Unicode's own tables."""

import sys
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.rules.text import fold, fold_email, is_blank, trimmed

SHAPELESS = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u202a\u2060\u2064\u2800\u3164\ufe0f\ufeff\uffa0\U000e0020\U000e0100"
)
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("éßİıſΣςﬁＦ\u0301\u0308\u0345\u200b\ufeff\u00a0가\u1100\u1161"), max_size=12)


@given(texts)
def test_texts_that_are_equivalent_are_folded_alike(text: str) -> None:
    """However its accents are written, and whatever its case: Unicode's own forms of a text fold to one."""
    folded = fold(text)
    assert folded == normalize("NFKC", normalize("NFKC", text).casefold())
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(normalize(form, text)) == folded
    assert fold(folded) == folded


def test_each_character_is_folded_for_good() -> None:
    """What is folded is not changed by folding it again, and its upper case in lower case again makes no difference."""
    assert [hex(ord(each)) for each in CHARACTERS if fold(fold(each)) != fold(each)] == []
    assert [hex(ord(each)) for each in CHARACTERS if fold(each.upper().lower()) != fold(each.upper())] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cafe\u0301", "CAFÉ"),
        ("\u1112\u1161\u11ab", "한"),
        ("a\u00a0b", "A B"),
        ("ＦＵＬＬ", "full"),
        ("ﬁne", "FINE"),
        ("Straße", "STRASSE"),
        ("Å", "\u212b"),
    ],
)
def test_what_looks_alike_is_folded_alike(one: str, other: str) -> None:
    """Accents, syllables, blanks and widths that are written in two ways are one when searched for."""
    assert fold(one) == fold(other)


def test_addresses_keep_their_form() -> None:
    """An address that merely looks like another is not taken for it: two mailboxes stay two."""
    assert fold_email("Jane@Example.com") == "jane@example.com"
    assert fold_email("ｊane@example.com") != "jane@example.com"


def test_what_has_no_shape_is_blank() -> None:
    """Every blank, control and format character without a shape is blank, alone or with others; what can be seen isn't."""
    unseen = [each for each in CHARACTERS if category(each) in {"Zs", "Zl", "Zp", "Cc"}] + list(SHAPELESS)
    assert [hex(ord(each)) for each in unseen if not is_blank(each)] == []
    assert is_blank("".join(unseen))
    seen = [each for each in CHARACTERS if category(each)[0] in "LNPS" and each not in SHAPELESS and category(each) != "Lo"]
    assert [hex(ord(each)) for each in seen if is_blank(each)] == []
    assert is_blank("")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  Acme\n", "Acme"),
        ("\ufeffAcme\u200b\u00a0", "Acme"),
        ("\u3000\u2003A\u00adB\u2060", "A\u00adB"),
        ("\u200b \ufeff", ""),
        ("\u200d\ufe0f", ""),
        ("\x07", ""),
        ("love ❤\ufe0f", "love ❤\ufe0f"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
        ("ه\u200d", "ه\u200d"),
    ],
)
def test_ends_are_trimmed_of_what_means_nothing_there(text: str, wanted: str) -> None:
    """Blanks of all kinds go; what joins or varies the character beside it (emoji, flags, Persian) stays."""
    assert trimmed(text) == wanted


@given(texts)
def test_trimming_takes_ends_only(text: str) -> None:
    """What is left stands in the text as it was, is trimmed already, and has no blank at its ends."""
    left = trimmed(text)
    assert left in text
    assert trimmed(left) == left == left.strip()
