"""The one reading of Accept: what each header of a client comes to, for both doors, in time and memory that are bounded."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.accept import LONGEST_READ, quality, read_accept
from gateway.edge.negotiate import GRAPHQL, accepted_types
from rest_compat.errors import JSON, PROBLEM
from rest_compat.parse_cache import LONGEST_KEPT, MOST_KEPT, cached_parser
from rest_compat.preferences import read_preferences


@pytest.mark.parametrize(
    ("accept", "weight"),
    [
        ("*/*", 1.0),
        ("application/*;q=0.3, */*;q=0.9", 0.3),
        ("application/json;q=0.2, application/*;q=0.9", 0.2),
        ("text/html", 0.0),
        ("APPLICATION/JSON;Q=0.5", 0.5),
        ("application/json; q = 0.5", 0.5),
        ("application/json ;\tq=0.5", 0.5),
        ("application/json;q=0", 0.0),
        ("application/json;q=0.0, */*", 0.0),
        ("application/json;q=0.000", 0.0),
        ("application/json;q=1.000", 1.0),
        ("application/json;q=1.5", 1.0),
        ("application/json;q=.5", 0.5),
        ("application/json;q=0.12345", 0.12345),
        ("application/json;charset=utf-8;q=0.4, application/json;q=0.9", 0.4),
        ('application/json;charset="UTF-8";q=0.4', 0.4),
        ("application/json;version=2;q=0, application/json", 1.0),
        ("application/json;version=2;q=0.7", 0.7),
        ("application/json;q=0.2, application/json;q=0.6", 0.6),
        ('text/x;a="b, application/json;q=1"', 0.0),
        ('text/x;a="\\", application/json', 0.0),
        (", ,application/json,,", 1.0),
        ("application/json;q=0.5;extension=x", 0.5),
    ],
)
def test_weights(accept: str, weight: float) -> None:
    """The most specific range decides, in whatever case and spacing; `q=0` excludes; quoted commas separate nothing."""
    assert quality(read_accept(accept), JSON) == weight


@pytest.mark.parametrize("weight", ["x", "", "-1", "2", "1e-3", "nan", "inf", "1_0", "٠.٥", "0,5", '"1"', "0x1", "+1"])
def test_no_weight(weight: str) -> None:
    """What isn't a weight counts as 0, at both doors."""
    accept = f"application/json;q={weight}"
    assert accepted_types(accept.encode()).offer is None
    assert not accepted_types(accept.encode()).json


@pytest.mark.parametrize("accept", ["", "x", "*", "json", "/", "a/b/c", ";q=1", "application", ",,,"])
def test_no_range(accept: str) -> None:
    """A header that names no media type is as none, at both doors."""
    assert accepted_types(accept.encode()).offer == JSON
    assert accepted_types(accept.encode()).json


@pytest.mark.parametrize(
    ("accept", "problem"),
    [
        (PROBLEM, True),
        ("Application/Problem+JSON", True),
        (f"{PROBLEM};q=0.1, {JSON}", True),
        (f"{PROBLEM};q=0", False),
        (f"{PROBLEM};q=0.0", False),
        (f"{PROBLEM}; q=0.000", False),
        (f"{PROBLEM};charset=utf-8;q=0", False),
        (f"{PROBLEM};q=x", False),
        ("application/*", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_problems(accept: str, *, problem: bool) -> None:
    """Who names problem details and doesn't exclude them gets them."""
    assert accepted_types(accept.encode()).problem is problem


@pytest.mark.parametrize("accept", [f"{PROBLEM};q=0", "text/plain", f"{JSON};q=0, */*", f"{GRAPHQL};q=0", "application/*;q=0,*/*"])
def test_excluded(accept: str) -> None:
    """What excludes JSON is refused by both doors."""
    assert accepted_types(accept.encode()).offer is None
    assert not accepted_types(accept.encode()).json


RANGES = [JSON, GRAPHQL, PROBLEM, "*/*", "application/*", "text/plain"]
PIECES = [*RANGES, ";", ",", "q=", "0", "1", "0.5", '"', "\\", " ", "charset=utf-8", "x"]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_the_doors_agree(accept: str) -> None:
    """Whatever comes: where REST's JSON is refused GraphQL's is too, unless the client names the type that only one of them has."""
    ranges = read_accept(accept)
    assert accepted_types(accept.encode()).json is (not ranges or quality(ranges, JSON) > 0 or ranges.get(PROBLEM, 0) > 0)
    assert (accepted_types(accept.encode()).offer is not None) is (not ranges or quality(ranges, JSON) > 0 or ranges.get(GRAPHQL, 0) > 0)
    assert all(0 <= weight <= 1 for weight in ranges.values())


@pytest.mark.parametrize(
    "accept",
    ['"' * 60_000, '"\\' * 30_000, ';a="' * 15_000, "," * 60_000, ";" * 60_000, "a/b;" + " " * 60_000, "a" * 60_000, "a/" * 30_000],
    ids=lambda accept: accept[:4],
)
def test_long_headers(accept: str) -> None:
    """No header takes long to read: as long as its first part, however it is made."""
    began = time.process_time()
    read_accept(accept)
    assert time.process_time() - began < 0.05
    assert read_accept(f"{accept[:LONGEST_READ]}, {JSON}") == read_accept(accept[:LONGEST_READ])


def test_what_is_remembered_is_bounded() -> None:
    """Long headers are not kept, and of short ones so many."""
    read: list[str] = []

    def note(header: str) -> int:
        read.append(header)
        return len(header)

    look_up: Callable[[str], int] = cached_parser(note)
    for header in ["a", "a", "b" * (LONGEST_KEPT + 1), "b" * (LONGEST_KEPT + 1)]:
        look_up(header)
    assert [header[0] for header in read] == ["a", "b", "b"]
    for number in range(MOST_KEPT + 1):
        look_up(str(number))
    look_up("a")
    assert read.count("a") == 2


@pytest.mark.parametrize(
    ("prefer", "strict", "nulls_ignored"),
    [
        ('handling="strict", NULL = ignore; x="a, b"', True, True),
        ('note="a, handling=strict, null=ignore"', False, False),
        ('wait;note="a, null=ignore", handling=strict', True, False),
        ('note="\\", null=ignore', False, False),
        ('"x", handling=strict', True, False),
    ],
)
def test_preferences(prefer: str, *, strict: bool, nulls_ignored: bool) -> None:
    """A preference is what stands outside of quotes (RFC 7240): a text that looks like one, within them, drops no nulls."""
    assert read_preferences(prefer)[:2] == (strict, nulls_ignored)
