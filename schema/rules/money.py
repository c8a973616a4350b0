"""Amounts: whole cents within, and how a client reads them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import orjson

from schema.values import Made, Value

_EXACT_CENTS = 10**15
"""Below so many cents a double is exact to the cent."""


def show_money(cents: int | None) -> Made:
    """Whole cents as a JSON number exact to the cent: `48000`, `48000.5`; sums beyond a double's reach keep all their digits."""
    if cents is None:
        return None
    whole, rest = divmod(cents, 100)
    if rest == 0 and -_EXACT_CENTS < cents < _EXACT_CENTS:
        return whole
    if -_EXACT_CENTS < cents < _EXACT_CENTS:
        return cents / 100
    return orjson.Fragment(str(Decimal(cents).scaleb(-2).normalize().__format__("f")).encode())


SHORT_FORMS: Final[dict[Callable[[Value], Value], str]] = {
    show_money: (
        f"(None if {{0}} is None else show_money({{0}}) if not {-_EXACT_CENTS} < {{0}} < {_EXACT_CENTS} "
        "else {0} / 100 if {0} % 100 else {0} // 100)"
    )
}
"""The same as expressions, for the writers of rows: a call takes longer than what it does."""
