"""The arguments of a page, as a connection's field was given them (Relay, GraphQL Cursor Connections Specification, section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rules.errors import BadRequest
from .order import NEWEST, Order, order_by

DEFAULT_SIZE = 20
MAX_SIZE = 100
MAX_OFFSET = 2**31 - 1
MAX_TERMS = 7
EXCLUSIVE = (("first", "last"), ("after", "before"), ("offset", "after"), ("offset", "before"), ("offset", "last"))


@dataclass(slots=True, eq=False)
class Page:
    """Which rows: the first `size` in `order` (`backward`: the last), after `position` (`before`: before it), past `offset`."""

    order: Order
    size: int
    backward: bool
    before: bool
    position: list[Any] | None
    offset: int

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the statement depends on; everything else is a bind."""
        nulls = None if self.position is None else tuple(value is None for value in self.position)
        return self.order.signature, self.backward, self.before, nulls, self.offset > 0


def read_page(arguments: Mapping[str, Any]) -> Page:
    """The page that the coerced arguments of a connection ask for. Raises BadRequest where they contradict each other."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before, offset = arguments.get("after"), arguments.get("before"), arguments.get("offset")
    for one, other in EXCLUSIVE:
        if arguments.get(one) is not None and arguments.get(other) is not None:
            message = f"`{one}` and `{other}` exclude each other: give one of them."
            raise BadRequest(message)
    size = first if first is not None else last if last is not None else DEFAULT_SIZE
    if not 0 <= size <= MAX_SIZE:
        message = f"`{'last' if first is None else 'first'}` is {size}; it must be from 0 to {MAX_SIZE}."
        raise BadRequest(message)
    if offset is not None and offset < 0:
        message = f"`offset` is {offset}; it must be 0 or more."
        raise BadRequest(message)
    order = _order(arguments.get("orderBy"))
    cursor = after if after is not None else before
    backward = last is not None or (before is not None and first is None)
    return Page(order, size, backward, before is not None, None if cursor is None else order.position(cursor), offset or 0)


def page_size(arguments: Mapping[str, Any]) -> int:
    """How many rows a page may have: what it costs."""
    size = arguments.get("first")
    if size is None:
        size = arguments.get("last")
    return DEFAULT_SIZE if size is None else max(0, min(size, MAX_SIZE))


def _order(terms: list[Mapping[str, Any]] | None) -> Order:
    if not terms:
        return NEWEST
    if len(terms) > MAX_TERMS:
        message = f"`orderBy` has at most {MAX_TERMS} terms."
        raise BadRequest(message)
    return order_by([(term["field"].value, term["direction"].value == "DESC") for term in terms])
