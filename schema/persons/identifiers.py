"""The words by which a person is known, found in texts and taken out of them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from unicodedata import normalize
from urllib.parse import unquote_plus

import orjson

from schema.engine.write.idempotency import read_kept
from schema.rules.text import fold
from schema.values import Value

MARK = "[erased]"
SHORT_MARK = "…"
"""Stands in place of what is shorter than the mark, so that no text gets longer than it may be."""
_DIGITS = 6
"""A telephone number of fewer digits is looked for as it is written only."""
_ALIKE = {each: f"[{signs}]" for signs in ("'`´ʹʼˈ‘’‛′", r"\-‐‑‒–—―−") for each in signs if each != "\\"}  # noqa: RUF001  they look alike
"""The apostrophes and the hyphens: typewriters, phones and word processors write one for the other."""
_BLANK = r"(?:[\s·・]|\\[nrt])"
_LETTERS = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"
    r"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""The letters of Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean: no blank has to stand around a name, nor within it."""
_UNSPACED = re.compile(f"[{_LETTERS}]")
_BEFORE, _AFTER = rf"(?<![^\W{_LETTERS}])", rf"(?![^\W{_LETTERS}])"
"""Where a word of other letters may begin and end."""
_JOINED = 3
"""Letters of such a name that is looked for without the blank within it: two may be any word's."""
_SEPARATOR = r"(?:[\s().\-/‐‑‒–—―−]|\(0\)){0,3}"  # noqa: RUF001
"""What is written between the digits of a telephone number, and the 0 that is only dialled within the country."""
_INNER_ZERO = re.compile(r"(?<=[0-9])\s*\(0\)")
_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
"""A text in JSON, and the colon behind it where it is a key."""


@dataclass(frozen=True, slots=True)
class PersonIdentifiers:
    """Names, addresses and numbers of one person. `own` are further values, which count in answers about the person alone; where all of
    `together` are texts of an answer, it is one.
    """

    id: str
    names: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    own: frozenset[str] = frozenset()
    together: tuple[str, ...] = ()
    _pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        parts = [*map(_email, self.emails), *map(_phone, self.phones), *map(_name, self.searched)]
        object.__setattr__(self, "_pattern", re.compile("|".join(dict.fromkeys(filter(None, parts))) or r"(?!)", re.IGNORECASE))

    @property
    def searched(self) -> list[str]:
        """The names that are looked for, each also with its last word first, as it is folded, and as JSON writes it."""
        several = [name.split() for name in self.names]
        turned = [form for words in several for form in (words, [words[-1] + ",", *words[:-1]], [words[-1], *words[:-1]])]
        forms = [text for words in turned for text in (" ".join(words), fold(" ".join(words)))]
        return [*forms, *(json.dumps(text, ensure_ascii=False)[1:-1] for text in forms)]

    def find(self, text: str) -> bool:
        """Whether the person is named in a text, in whatever case, as it is or percent-encoded."""
        if self._pattern.search(text) is not None:
            return True
        return self._pattern.search(_plain(text)) is not None

    def redact(self, text: str) -> str:
        """The text without the person."""
        text = self._pattern.sub(_mark, text)
        plain = _plain(text)
        return text if self._pattern.search(plain) is None else self._pattern.sub(_mark, plain)

    def is_about(self, text: str) -> bool:
        """Whether a JSON text is about the person: it has the id, names the person, or has all parts of the name."""
        parts = [json.dumps(part, ensure_ascii=False) in text for part in self.together]
        return self.id in text or (bool(parts) and all(parts)) or self.find(text)

    def redact_json(self, text: str) -> str:
        """A JSON text without the person: all else stays as it is written."""
        return _LITERAL.sub(lambda found: found[0] if found[2] else self._redact_literal(found[1]), text)

    def _redact_literal(self, literal: str) -> str:
        text = json.loads(literal)
        return json.dumps(self.redact(text), ensure_ascii=False) if self.find(text) else literal

    def redact_answer(self, text: str) -> str:
        """A kept answer without the person: of an object that has the person's id all texts go, those of former values too."""
        return orjson.dumps(self._redact_value(read_kept(text, len(text)))).decode() if self.is_about(text) else text

    def _redact_value(self, value: Value) -> Value:
        if isinstance(value, dict):
            is_person = self.id in value.values()
            return {name: self._redact_member(member, is_person=is_person) for name, member in value.items()}
        if isinstance(value, list):
            return [*map(self._redact_value, value)]
        if isinstance(value, str) and (value in self.own or self.find(value)):
            return MARK if value in self.own else self.redact(value)
        return value

    def _redact_member(self, value: Value, *, is_person: bool) -> Value:
        return MARK if is_person and isinstance(value, str) and value != self.id else self._redact_value(value)


def _mark(found: re.Match[str]) -> str:
    return MARK if len(found[0]) >= len(MARK) else SHORT_MARK


def _plain(text: str) -> str:
    """A text in which accents and widths are written in one way, and nothing is percent-encoded."""
    decoded = unquote_plus(text) if "%" in text else text
    return decoded if decoded.isascii() else normalize("NFKC", decoded)


def _name(name: str) -> str:
    bare = "".join(name.split())
    left = "" if _UNSPACED.match(bare[:1]) else _BEFORE
    right = "" if _UNSPACED.match(bare[-1:]) else _AFTER
    return f"{left}{_spaced(name, joined=len(bare) >= _JOINED)}{right}"


def _spaced(name: str, *, joined: bool) -> str:
    words = name.split()
    found = ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        found += "".join(_ALIKE.get(each) or re.escape(each) for each in word)
        optional = word.endswith(",") or (joined and _UNSPACED.match(word[-1]) and _UNSPACED.match(following))
        found += _BLANK + ("*" if optional else "+") if following else ""
    return found


def _email(email: str) -> str:
    return rf"(?<![.+-]){_BEFORE}{re.escape(email)}{_AFTER}(?!-)" if email else ""


def _phone(phone: str) -> str:
    digits = re.sub(r"\D", "", _INNER_ZERO.sub("", phone))
    if len(digits) < _DIGITS:
        return ""
    return r"(?<!\d)\+?" + _SEPARATOR.join(digits) + r"(?!\d)"


def texts(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the texts that aren't empty, once each."""
    return tuple(dict.fromkeys(value for value in values if value))
