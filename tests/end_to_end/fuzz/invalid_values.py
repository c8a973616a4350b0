"""Values as no client should send them, most of which some parser takes: each is drawn by what should stand in its place."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

#: Of numbers: what `int`, `float`, `Decimal` or JSON parsers take, and what they stumble over.
NUMBERS = (
    *("1_000", "１０", "٣", "+5", "5e2", "5E2", "-0", "00", "0x10", "0b1", "1.", ".5", "1,5", "1 000", "--1", "-", "1/2", "1e3", "²"),
    *("NaN", "nan", "sNaN", "Infinity", "-inf", "1e999999", "-1e999999", "1e-2000000000", "1e2000000000", "9" * 400, "9" * 5_000),
    *("1.0000000000000000000000000000001", "9007199254740993", "2147483648", "-2147483649", "18446744073709551616", "1e308", "1e309"),
)
DAYS = (
    *(
        "2025-W14-3",
        "20250402",
        "2025-092",
        "2025-4-2",
        "0000-01-01",
        "9999-12-31",
        "10000-01-01",
        "-001-01-01",
        "2025-02-30",
        "2025-13-01",
    ),
    *(
        "2025-04-02T00:00:00Z",
        " 2025-04-02",
        "2025-04-02 ",
        "２０２５-04-02",
        "2025-04-٠٢",
        "today",
        "1743552000",
        "2025‐04‐02",
        "2025-02-29",
    ),
)
INSTANTS = (
    *("2025-W11-6T09:30Z", "20250315T093000Z", "2025-03-15x09:30:00Z", "2025-03-15T09:30:00+00:00:30", "2025-03-15T24:00:00Z"),
    *("2025-03-15T09:30:60Z", "2025-03-15t09:30:00z", "2025-03-15T09:30:00", "2025-03-15", "2025-03-15T09:30:00.123456789Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2025-03-15T09:30:00+24:00", "2025-03-15 09:30:00Z", "1e10", "now"),
)
TEXTS = (
    *(
        "",
        " ",
        "\t",
        "\n",
        "\0",
        "a\0b",
        "\u200b",
        "\ufeff",
        "\ufeffx",
        "\u00ad",
        "\u2060",
        "\u00a0",
        "\u202ex",
        "Cafe\u0301",
        "\u1100\u1161",
    ),
    *("%", "_", "\\", "'", '"', "';--", "${x}", "{{7*7}}", "%s%n", "../../etc", "\x1b[0m", "\x7f", "İ", "ß", "ﬀ", "\U0001f600", "\uffff"),
    *("x" * 201, "x" * 256, "x" * 10_001, "é" * 5_000, "\U0001f600" * 300, "null", "true", "undefined", "[]", "{}", "-1"),
)
#: JSON that can't be written by `json.dumps`.
RAW = (
    *("NaN", "-Infinity", "1e999", "-0", "1E400", "01", "1.", ".5", "+1", "0x1", "'x'", "nul", "True", "[1,]", '{"a":1,}', "", "/**/1"),
    *(
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\u0000"',
        '"\\x41"',
        '"\t"',
        '"',
        "\ufeff1",
        "9" * 5_000,
        "-" + "9" * 5_000,
        "1.0000000000000001",
    ),
    *("[" * 40 + "]" * 40, "[" * 2_000, '{"a":' * 40 + "1" + "}" * 40, '{"a":1,"a":2}', '{"__proto__":{}}', '{"":1}', "1e-400"),
)
UNSEEN = ("\u200b", "\ufeff", "\u00ad", "\u2060", "\u00a0", " ", "\t", "\n", "\0", "_", "+", "\u0301", "٣")


class Raw(str):
    """JSON as it is written, right or wrong."""

    __slots__ = ()


class Word(str):
    """A name of an enum: bare in a document, text in JSON."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object that may have a member twice."""


def written(value: Any) -> str:
    """The JSON of a value."""
    match value:
        case Raw():
            return str(value)
        case Pairs():
            return "{" + ", ".join(f"{json.dumps(key)}: {written(each)}" for key, each in value) + "}"
        case dict():
            return written(Pairs(value.items()))
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


class Odd:
    """Draws. `ids` are those of records that there are, by their prefix."""

    def __init__(self, random: Random, ids: Mapping[str, Sequence[str]]) -> None:
        self.random = random
        self.ids = ids

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def twisted(self, text: str) -> str:
        """With something unseen in it, a character changed, gone or twice."""
        place = self.random.randrange(len(text) + 1)
        more = self.random.choice((*UNSEEN, "", text[place : place + 1], chr(self.random.randrange(0x250))))
        return text[:place] + more + text[place + self.random.randrange(2) :]

    def number(self) -> str:
        return self.random.choice(NUMBERS) if self.chance(0.8) else self.twisted(str(self.random.randrange(-1_000, 10**6)))

    def day(self) -> str:
        day = (date(2025, 1, 1) + timedelta(self.random.randrange(-400, 900))).isoformat()
        return self.random.choice(DAYS) if self.chance(0.6) else self.twisted(day)

    def instant(self) -> str:
        return self.random.choice(INSTANTS) if self.chance(0.6) else self.twisted("2025-03-15T09:30:00Z")

    def text(self) -> str:
        return self.random.choice(TEXTS) if self.chance(0.8) else self.twisted("Deal")

    def id(self) -> str:
        """Of some kind of record, or something like it."""
        real = self.random.choice(self.ids[self.random.choice(sorted(self.ids))])
        return self.random.choice((real, real, real.lower(), self.twisted(real), real[:-1], f" {real}", real + "\0", "opp_", "x", ""))

    def cursor(self) -> str:
        """Of no list, though some can be read."""
        inside = self.random.choice(
            ('["a"]', "[1, 2, 3]", "[]", "{}", "null", '["opportunities", 1e999]', "[" * 500, "\xff", "9" * 999, "x" * 9_000)
        )
        coded = base64.urlsafe_b64encode(inside.encode("utf-8", "surrogatepass")).decode()
        return self.random.choice((coded, coded.rstrip("="), self.twisted(coded), self.text(), self.id(), inside))

    def anything(self) -> Any:
        """Of whatever JSON type."""
        kind = self.random.randrange(8)
        simple = (None, True, self.random.choice((0, -1, 1.5, 2**53 + 1, 2**31)), self.text(), Raw(self.random.choice(RAW)))
        if kind < len(simple):
            return simple[kind]
        if kind == len(simple):
            return [self.anything() for _ in range(self.random.randrange(3))]
        if kind == len(simple) + 1:
            return {self.text(): self.anything() for _ in range(self.random.randrange(3))}
        # Many, but not megabytes: an unread body of more than eight costs its connection, as it should.
        return [self.text()[:100]] * self.random.choice((101, 251, 1_001))
