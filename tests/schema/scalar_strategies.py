"""Hypothesis strategies for scalars as clients may write them: good ones, and all that Python's own parsers take beside them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u00a0", "\u3000", " ", "\t", "\n", "\0"]
DIGITS = ["٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]

_ODD_AMOUNTS = ["1_000", "1_0.5", "+5", "5e2", "5E2", "1e999999", "-1e999999", "1e-2000000000", "1e2000000000", "NaN", "sNaN", "Infinity"]
_ODD_AMOUNTS += [
    "-inf",
    "0x10",
    "1.",
    ".5",
    "1,5",
    "1.0000000000000000000000000000001",
    "1.000",
    "--1",
    "-",
    "",
    "1 000",
    "1/2",
    "1.5.5",
    "9" * 5_000,
]


def _other_digits(text: str, digits: str) -> str:
    return text.translate(str.maketrans("0123456789", digits))


def _twisted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts in other scripts' digits, with something unseen in them, with one character changed or gone."""
    scripts = st.builds(_other_digits, texts, st.sampled_from(DIGITS))
    place = st.integers(0, 40)
    put = st.builds(
        lambda text, at, more: text[: at % (len(text) + 1)] + more + text[at % (len(text) + 1) :], texts, place, st.sampled_from(UNSEEN)
    )
    any_character = st.characters(codec="utf-8") | st.sampled_from("_+-.:eEtTzZW 0123456789")
    changed = st.builds(
        lambda text, at, other: text[: at % len(text)] + other + text[at % len(text) + 1 :] if text else other, texts, place, any_character
    )
    gone = st.builds(lambda text, at: text[: at % len(text)] + text[at % len(text) + 1 :] if text else text, texts, place)
    return scripts | put | changed | gone


_decimals = st.builds(
    lambda sign, whole, rest: sign + whole + rest,
    st.sampled_from(["", "-"]),
    st.from_regex("[0-9]{1,15}", fullmatch=True),
    st.from_regex(r"(\.[0-9]{1,3})?", fullmatch=True),
)
amounts = _decimals | _twisted(_decimals) | st.sampled_from(_ODD_AMOUNTS) | st.floats().map(repr) | st.text(max_size=8)
"""Amounts as texts."""

_dates = st.dates().map(lambda day: day.isoformat()) | st.from_regex("[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True)
_week_dates = st.dates().map(lambda day: "{}-W{:02}-{}".format(*day.isocalendar()).rjust(10, "0"))
dates = (
    _dates
    | _week_dates
    | _dates.map(lambda text: text.replace("-", ""))
    | _dates.map(lambda text: f"{text.replace('-', '')}  ")
    | _twisted(_dates)
)
"""Dates as texts."""

_zones = st.sampled_from(
    ["Z", "z", "+00:00", "-00:00", "+23:59", "-23:59", "+05:30", "+24:00", "+00:00:30", "+0530", "+05", "", " Z", "+5:30", "UTC"]
)
_times = (
    st.times().map(lambda time: time.isoformat())
    | st.from_regex("[0-2][0-9]:[0-5][0-9]:[0-6][0-9]([.,][0-9]{1,9})?", fullmatch=True)
    | st.sampled_from(["09:30", "093000", "24:00:00", "23:59:60", "23:59:60.5", "09", "09:30:00."])
)
_plain_instants = st.datetimes(
    timezones=st.just(UTC) | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
).map(datetime.isoformat)
_instants = st.builds(
    lambda day, mark, time, zone: f"{day}{mark}{time}{zone}",
    _dates | st.sampled_from(["0000-01-01", "0001-01-01", "9999-12-31", "2016-12-31", "2015-06-30"]),
    st.sampled_from(["T", "T", "T", "t", " ", "x", "_", ""]),
    _times,
    _zones,
)
instants = (
    _plain_instants | _instants | _twisted(_plain_instants) | st.builds(lambda day, rest: f"{day}T{rest}", _week_dates, st.just("09:30Z"))
)
"""Instants as texts."""
