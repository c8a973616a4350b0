"""The bytes that objects take in an answer: a bound that is known when a plan is compiled, and an exact count where the bound isn't enough.

Most answers stay below the limit whatever their texts are, so that all that is done for them is a multiplication for each statement.
Where that doesn't prove it, each row is counted: its texts as they will be encoded, and for all else the most that it can take.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from schema.storage.database import Row
from schema.values import Value

from .writer import make_writer

ESCAPED = 6
"""Bytes that a character takes at most: as in `\\u0000`."""
UNBOUNDED = 10**9
"""Characters of a text of which nothing says how long it may be."""
ID_LENGTH = 40
SCALARS = {"Boolean": 5, "Int": 20, "Float": 25, "Money": 40, "Date": 12, "DateTime": 22}
"""Bytes of a value at most, by its type."""
ABSENT = 4
"""Bytes of null."""
PORTION = 2_097_152
"""Bytes of rows that are read at once, where there may be many."""


class ResponseTooLarge(Exception):
    """An answer would have more bytes than `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The answer would have more than {limit:,} bytes: ask for smaller pages, for fewer long texts, or for them by fewer aliases."
        )


def text_bytes(value: Value) -> int:
    """The bytes of a value in JSON."""
    return ABSENT if value is None else len(orjson.dumps(value))


_NAMES = {"n": text_bytes, "loads": orjson.loads}


@dataclass
class ResponseSize:
    """The bytes of an object, named `variable` in the code that reads its texts."""

    variable: str
    fixed: int = 0
    """Bytes of all but the texts, at most."""
    longest: int = 0
    """Bytes of the texts, at most."""
    read: int = 100
    """Bytes that it takes as a row, at most, where a character is one byte."""
    _texts: Counter[str] = field(default_factory=Counter)
    _parts: list[str] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Bytes at most."""
        return self.fixed + self.longest

    @property
    def portion(self) -> int:
        """The number of rows that are read at once."""
        return max(1, PORTION // self.read)

    @property
    def code(self) -> str:
        """The expression that counts the bytes."""
        texts = [f"{times} * n({code})" if times > 1 else f"n({code})" for code, times in self._texts.items()]
        return " + ".join([str(self.fixed), *texts, *self._parts])

    def total(self, rows: Sequence[Row], parents: "ParentCounts | None", place: int) -> int:
        """The bytes of rows, as often as they stand in the answer; the keys of their `parents` stand at `place`."""
        sizes = self.count(rows)
        return sum(sizes) if parents is None else parents.total(sizes, rows, place)

    @cached_property
    def count(self) -> Callable[[Sequence[Value]], list[int]]:
        """Counts the bytes of each of many objects."""
        counted: Callable[[Sequence[Value]], list[int]] = make_writer("rows", f"[{self.code} for {self.variable} in rows]", _NAMES).call
        return counted

    def object_of(self, names: Sequence[str]) -> None:
        """Adds an object with these response keys, but not their values: its braces, quotes, colons and commas."""
        self.fixed += 3 + sum([len(name) + 4 for name in names])

    def text(self, code: str, longest: int | None) -> None:
        """Adds a text of at most `longest` characters, which `code` reads."""
        characters = UNBOUNDED if longest is None else longest
        self.longest += characters * ESCAPED + 2
        if code not in self._texts:
            self.read += characters
        self._texts[code] += 1

    def object(self, other: "ResponseSize", code: str) -> None:
        """Adds a plain object, or null, which `code` reads."""
        self.fixed += other.fixed
        self.longest += other.longest
        self._parts.append(f"(0 if {code} is None else {other.code})")

    def items(self, item: "ResponseSize", code: str, most: int = UNBOUNDED) -> None:
        """Adds a list of at most `most` items, which `code` reads."""
        self.fixed += 2
        self.longest += item.most * most
        self.read += item.read * most
        self._parts.append(f"sum([{item.code} for {item.variable} in {code}])")


class ParentCounts:
    """The parents of rows: their keys, and how often each appears in the response; `most` is the greatest of these numbers."""

    __slots__ = ("_count", "_counted", "keys", "most")

    def __init__(self, keys: list[Value], most: int, count: Callable[[], Mapping[Value, int]]) -> None:
        self.keys = keys
        self.most = most
        self._count = count
        self._counted: Mapping[Value, int] | None = None

    def counts(self) -> Mapping[Value, int]:
        """How often each parent appears in the response, by key."""
        if self._counted is None:
            self._counted = self._count()
        return self._counted

    def total(self, sizes: Sequence[int], rows: Sequence[Row], place: int) -> int:
        """The bytes of rows of these sizes, whose parents' keys stand at `place`."""
        if self.most == 1:
            return sum(sizes)
        counts = self.counts()
        return sum([size * counts[row[place]] for size, row in zip(sizes, rows, strict=True)])


def counted(rows: Sequence[Row], place: int, above: ParentCounts | None, above_place: int) -> Mapping[Value, int]:
    """Return how often each key at `place` appears in the response, where the rows have parents, whose keys are at `above_place`."""
    if above is None or above.most == 1:
        return Counter([row[place] for row in rows])
    found: Counter[Value] = Counter()
    times = above.counts()
    for row in rows:
        found[row[place]] += times[row[above_place]]
    return found
