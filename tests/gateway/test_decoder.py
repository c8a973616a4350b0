"""The one strict JSON decoder."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.decoder import MAX_DEPTH, MAX_INTEGER, StrictJsonError, _decode_slowly, decode

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES, escaped=st.booleans())
def test_json_is_read(value: Any, *, escaped: bool) -> None:
    """Whatever standard JSON says is read as it was meant, escaped or not."""
    assert decode(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=20) | st.text('{}[]",:\\u0031ae.-', max_size=16).map(str.encode))
def test_the_quick_way_is_the_exact_way(body: bytes) -> None:
    """The quick parser and its walk accept and refuse what the slow parser, which checks each rule, does."""
    assert outcome(decode, body) == outcome(_decode_slowly, body)


def outcome(function: Any, body: bytes) -> Any:
    try:
        return repr(function(body))
    except StrictJsonError as error:
        return error.kind, error.message


def test_values_are_counted_and_not_texts() -> None:
    """Commas and brackets in texts are none of a value's, however they are escaped."""
    texts = ["[{,}]" * 50_000, '",' * 50_000, "\\", '\\"', ",,,"]
    assert decode(json.dumps(texts).encode()) == texts
    assert len(decode(b"[" + b"1," * 39_990 + b"1]")) == 39_991


def test_zero_is_one_however_it_is_written() -> None:
    """What is 0 as it is written is no number too small for a double."""
    assert decode(b"[0, -0, 0.0, -0.00, 0e-999, 0.0E+5, 5e-324]") == [0, 0, 0, 0, 0, 0, 5e-324]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1, column 1: a value is missing"),
        (b"{", "name of a member"),
        (b'{"a" 1}', "colon is missing"),
        (b'{"a":1 "b"}', "comma is missing"),
        (b'{"a":1}x', "after the end"),
        (b'{"a":nul}', "not JSON"),
        (b'{"a":1,}', "name of a member|comma after the last"),
        (b'"a', "no end"),
        (b'"\t"', "control character"),
        (rb'"\x41"', "escape that JSON does not know"),
        (b'{"%b":1,"%b":2}' % (b"k" * 10_000, b"k" * 10_000), "key .{1,70} twice"),
        (b"\xff", "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"\xef\xbb\xbf" * 2 + b"1", "more than one byte-order mark"),
        (b"\xef\xbb\xbf", "value is missing"),
        ('{"a": "ä"}'.encode("utf-16"), "UTF-8"),
        (b"NaN", "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"1e400", "too large"),
        (b'{"value":1e-400}', "too small"),
        (b"[-0.001E-330]", "too small"),
        (b"9007199254740992", "integer"),
        (b"-9007199254740992", "integer"),
        (b"18446744073709551616", "integer"),
        (b"1" * 5000, "integer"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'{"a":"\\u003a","a":""}', "twice"),
        (b'{"x":[{"b":":","b":":"}]}', "twice"),
        (b"[" * 33 + b"]" * 33, "33 levels".replace("33", "32")),
        (b"[" * 10_000, "levels"),
        (b'{"a":' * 10_000, "levels"),
        (b"[" * 100_000, "more than 40,000 values"),
        (b'{"a":' * 100_000, "more than 40,000 values"),
        (b"[" + b"1," * 40_001 + b"1]", "more than 40,000 values"),
        (b"[" + b'{"a":[[]]},' * 15_000 + b"1]", "more than 40,000 values"),
        (rb'["\\",' + b"{}," * 40_000 + rb'"\""]', "more than 40,000 values"),
    ],
)
def test_malformed(body: bytes, said: str) -> None:
    """What isn't strict JSON is refused, saying why."""
    with pytest.raises(StrictJsonError, match=said) as caught:
        decode(body)
    assert caught.value.kind == "malformed"
    assert "Expecting" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (rb'"\u0000"', [()]),
        (rb'{"a\u0000":1}', [("a\0",)]),
        (rb'"\ud800"', [()]),
        (rb'"\udc00\ud800"', [()]),
        (rb'["x", "\ud83d"]', [(1,)]),
        (rb'{"a":"\u0000","b":{"c":["x",{"d":"\ud800"}]},"e":"fine"}', [("a",), ("b", "c", 1, "d")]),
        (b"[" + rb'"\u0000",' * 1000 + b"0]", [(place,) for place in range(20)]),
    ],
)
def test_characters(body: bytes, places: list[tuple[str | int, ...]]) -> None:
    """NUL and lone surrogates are JSON, and no text that a database keeps; it is told where they are, as far as that helps."""
    with pytest.raises(StrictJsonError) as caught:
        decode(body)
    assert caught.value.kind == "characters"
    assert [place for place, _ in caught.value.faults] == places
    assert "\0" not in caught.value.message


@pytest.mark.parametrize("body", [b'{"a": 1}', '{"a": 1, "ä": "b:c"}'.encode(), b" 1"])
def test_a_byte_order_mark_is_passed_over(body: bytes) -> None:
    """As .NET and Windows write it before a text (RFC 8259, section 8.1)."""
    assert decode(b"\xef\xbb\xbf" + body) == decode(body)


def test_at_the_limits() -> None:
    """32 levels and ±(2^53 - 1) are read; a large double is no integer."""
    assert decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert decode(b"[9007199254740991,-9007199254740991,1e20]") == [MAX_INTEGER, -MAX_INTEGER, 1e20]
    assert decode(rb'"\ud83d\ude00 \\u0000"') == "\U0001f600 \\u0000"


def test_no_text_takes_long() -> None:
    """Escaped quotes without an end, in a text with many commas, are read once: each was a beginning that was read to the end."""
    began = process_time()
    with pytest.raises(StrictJsonError):
        decode(b"," * 40_001 + b'\\"' * 40_000)
    assert process_time() - began < 2
