"""The one strict JSON decoder for HTTP, WebSocket and SSE.

UTF-8 only; no duplicate keys, no NaN or Infinity, integers within ±(2^53 - 1), at most 32 levels, no NUL and no lone surrogates.
orjson parses; one walk over what it made decides whether that can be trusted, else the slow exact parser finds the fault's words.
The walk sees a duplicate key without reading the text again: each member has exactly one colon outside strings, so the text has as
many colons as the value has members and colons in strings, or more if a member was lost.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Literal, TypeAlias

import orjson

from rest_compat.json_values import Json, JsonObject

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1
#: Values of one text: more than any operation has use for, and little enough to be read while others wait.
MAX_VALUES: Final = 40_000
#: Bytes of a text up to which its values aren't counted.
_SMALL: Final = 2 * MAX_VALUES
#: Texts, to the end where they aren't closed. Nothing here looks back, so that no text takes long.
_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)

#: A number that isn't 0, as it is written.
_SOME: Final = re.compile("-?[0.]*[1-9]")

#: The standard parser's messages, by their beginnings, reworded to say what to mend.
_WORDS: Final = {
    "Expecting value": "a value is missing, or is not JSON",
    "Expecting property name": "the name of a member, in double quotes, is missing",
    "Expecting ':'": "a colon is missing after the name of a member",
    "Expecting ','": "a comma is missing, or the end of an object or a list",
    "Extra data": "there is more after the end of the value",
    "Unterminated string": "the string that begins here has no end",
    "Invalid control character": "a control character in a string is not escaped",
    "Invalid \\": "a string has an escape that JSON does not know",
    "Unexpected UTF-8 BOM": "it begins with more than one byte-order mark",
    "Illegal trailing comma": "there is a comma after the last member",
}
#: Characters of a name that a message repeats.
_SHOWN: Final = 60

#: Faults that are reported in one text.
_TOLD: Final = 20
#: What a JSON text may not begin with and often does, in what .NET and Windows write: it is passed over (RFC 8259, section 8.1).
_MARK: Final = b"\xef\xbb\xbf"

Kind = Literal["malformed", "characters"]
Place: TypeAlias = tuple[str | int, ...]
"""The way from the value as a whole to a part of it: names of members and indices of lists."""


class StrictJsonError(ValueError):
    """The text is not what the strict decoder takes. `kind` is `characters` for NUL and lone surrogates, else `malformed`.

    `faults` says where such characters are, and what is wrong there.
    """

    def __init__(self, message: str, kind: Kind = "malformed", faults: Sequence[tuple[Place, str]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
        self.faults = faults


class _Suspicious(Exception):
    """The quick way can't vouch for the text."""


def decode(body: bytes) -> Json:
    """Return the value of the JSON text `body`. Raises StrictJsonError."""
    if len(body) > _SMALL and _marks(body) > MAX_VALUES and _marks(_STRINGS.sub(b"", body)) > MAX_VALUES:
        raise StrictJsonError(f"The JSON text has more than {MAX_VALUES:,} values.")
    try:
        value = orjson.loads(body)
        # An escaped colon (003a) would upset the count and an escaped NUL pass unseen; both are rare enough for the slow way.
        if b"\\u003" in body or b"\\u0000" in body or body.count(b":") != _colons(value, MAX_DEPTH):
            return _decode_slowly(body)
    except (orjson.JSONDecodeError, _Suspicious):
        return _decode_slowly(body)
    return value


def _marks(body: bytes) -> int:
    """At least as many as the text has values, a few more where it has objects and lists."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def _colons(value: Json, levels: int) -> int:
    """Return the least number of colons in the text of `value`; it may be nested by `levels` more levels."""
    kind = type(value)
    if kind is str:
        return value.count(":")  # type: ignore[no-any-return]
    if kind is dict:
        if not levels:
            raise _Suspicious
        total = len(value)
        for key, member in value.items():
            total += key.count(":")
            if member.__class__ is str:
                total += member.count(":")
            elif member is not None:
                total += _colons(member, levels - 1)
        return total
    if kind is list:
        if not levels:
            raise _Suspicious
        return sum(_colons(member, levels - 1) for member in value)
    # orjson reads integers beyond 64 bits as floats, and what is too small for a double as 0.
    if kind is not bool and value is not None and (not -MAX_INTEGER <= value <= MAX_INTEGER or (kind is float and not value)):
        raise _Suspicious
    return 0


def _decode_slowly(body: bytes) -> Json:
    """Parse with the standard library and every rule checked where it is broken."""
    try:
        text = body.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"The JSON text is not UTF-8 at byte {error.start + 1}.") from None
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant)
        faults = list(islice(_character_faults(value, MAX_DEPTH, ()), _TOLD))
    except json.JSONDecodeError as error:
        fault = next((words for start, words in _WORDS.items() if error.msg.startswith(start)), "it is not JSON")
        raise StrictJsonError(f"The JSON text is malformed at line {error.lineno}, column {error.colno}: {fault}.") from None
    except RecursionError:
        raise _too_deep() from None
    if faults:
        raise _characters(faults)
    return value


def _members(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise StrictJsonError(f"The JSON text has the key {json.dumps(twice[:_SHOWN])} twice in one object.")
    return members


def _integer(digits: str) -> int:
    # The length first: making an integer of thousands of digits takes quadratic time.
    if len(digits) > len(str(-MAX_INTEGER)) or abs(value := int(digits)) > MAX_INTEGER:
        raise StrictJsonError("The JSON text has an integer beyond ±(2^53 - 1).")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise StrictJsonError("The JSON text has a number too large for a double.")
    if not value and _SOME.match(digits):
        raise StrictJsonError("The JSON text has a number too small for a double.")
    return value


def _constant(name: str) -> float:
    raise StrictJsonError(f"The JSON text has {name}, which is not JSON.")


def _too_deep() -> StrictJsonError:
    return StrictJsonError(f"The JSON text has more than {MAX_DEPTH} levels.")


def _character_faults(value: Json, levels: int, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield each place of characters that the standard parser accepts and we don't, with the fault. Raises StrictJsonError if too deep."""
    if isinstance(value, str):
        if fault := _character_fault(value):
            yield place, fault
    elif isinstance(value, dict | list):
        if not levels:
            raise _too_deep()
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and (fault := _character_fault(key)):
                yield (*place, key), fault
            yield from _character_faults(member, levels - 1, (*place, key))


def _character_fault(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a lone surrogate"
    return None


def _characters(faults: Sequence[tuple[Place, str]]) -> StrictJsonError:
    place, first = faults[0]
    where = ".".join(map(str, place))[:_SHOWN].encode("unicode_escape", "surrogatepass").decode("ascii")
    message = f"The JSON text has {first} in a string{where and f' at {where}'}."
    return StrictJsonError(message, "characters", [(place, f"This text has {fault}: leave it out.") for place, fault in faults])
