"""The arguments of a page, as a connection's field was given them (Relay, GraphQL Cursor Connections Specification, section 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schema.rules.cursors import CursorScope, Origin, check_epoch, foreign, read_anywhere, workspace_tag
from schema.rules.errors import BadRequest
from schema.values import CacheKey, Value, Values

from .order import Order
from .sources import StoredType

DEFAULT_SIZE = 20
MAX_SIZE = 100
MAX_TERMS = 7
_WHAT = "this list in this order: pass one that it gave, with the same orderBy"
EXCLUSIVE = (("first", "last"), ("after", "before"), ("offset", "after"), ("offset", "before"), ("offset", "last"))


@dataclass(slots=True, eq=False)
class PageRequest:
    """Which rows: the first `size` in `order` (`backward`: the last), after `position` (`before`: before it), past `offset`."""

    order: Order
    size: int
    backward: bool
    before: bool
    position: list[Value] | None
    offset: int
    kind: str
    """The kind of the rows; with the order it identifies the list that cursors belong to."""
    origin: Origin | None
    """The origin of the cursor; None without a cursor."""
    places: Sequence[int] = ()
    """The indexes of the order's values in a row."""
    cursors: tuple[str, int, Callable[[Sequence[Value]], str]] | None = None
    """The workspace, the epoch, and what writes cursors in them: calls that ask alike mostly come from the same."""
    begins: bool = field(init=False)
    """Whether it begins at an end of the list: then there are no rows on the side that it was not read towards."""

    def __post_init__(self) -> None:
        self.begins = self.position is None and not self.offset

    @property
    def side(self) -> str:
        """The side that the page was not read towards, as pageInfo names it: one row more does not show whether there are rows."""
        towards_end = self.before if self.position is not None else self.backward
        return "hasNextPage" if towards_end else "hasPreviousPage"

    def cursors_in(self, workspace_id: str, epoch: int) -> Callable[[Sequence[Value]], str]:
        """Return the function that writes the cursor of a row of this list, in a workspace and an epoch of the database."""
        return CursorScope(_place(self.kind, self.order), workspace_tag(workspace_id), epoch).of_rows(self.places)

    def check(self, workspace_id: str, epoch: int) -> None:
        """Raises BadRequest where the cursor is of another workspace, CursorExpired where it is of another epoch of the database."""
        if self.origin is None:
            return
        check_epoch(self.origin.epoch, epoch)
        if self.origin.tag != workspace_tag(workspace_id):
            raise BadRequest("The cursor is of another workspace: pass one that this list gave.")

    @property
    def shape(self) -> CacheKey:
        """The cache key of the page's statement; everything else is a bind."""
        nulls = None if self.position is None else tuple(value is None for value in self.position)
        return self.order.signature, self.backward, self.before, nulls, self.offset > 0


def read_page(arguments: Values, stored: StoredType) -> PageRequest:
    """The page of stored rows that the coerced arguments of a connection ask for.

    Raises BadRequest where they contradict each other or the cursor isn't of this list.
    """
    first, last = arguments.get("first"), arguments.get("last")
    after, before, offset = arguments.get("after"), arguments.get("before"), arguments.get("offset")
    for one, other in EXCLUSIVE:
        if arguments.get(one) is not None and arguments.get(other) is not None:
            raise BadRequest(f"`{one}` and `{other}` exclude each other: give one of them.")
    size = first if first is not None else last if last is not None else DEFAULT_SIZE
    if not 0 <= size <= MAX_SIZE:
        raise BadRequest(f"`{'last' if first is None else 'first'}` is {size}; it must be from 0 to {MAX_SIZE}.")
    if offset is not None and offset < 0:
        raise BadRequest(f"`offset` is {offset}; it must be 0 or more.")
    kind, order = stored.table.name, _order(stored, arguments.get("orderBy"))
    cursor = after if after is not None else before
    backward = last is not None or (before is not None and first is None)
    origin, position = (None, None) if cursor is None else _position(cursor, kind, order)
    return PageRequest(order, size, backward, before is not None, position, offset or 0, kind, origin)


def _place(kind: str, order: Order) -> str:
    """The name of a list in its cursors: rows of one kind in one order. A position means the same with any filter."""
    return f"{kind}.{order.signature}"


def _position(cursor: str, kind: str, order: Order) -> tuple[Origin, list[Value]]:
    origin, values = read_anywhere(cursor, _place(kind, order), _WHAT)
    if not order.holds(values):
        raise foreign(cursor, _WHAT)
    return origin, order.position(values)


def page_size(arguments: Values) -> int:
    """Return the most rows that a page may have, which is its cost."""
    size = arguments.get("first")
    if size is None:
        size = arguments.get("last")
    return DEFAULT_SIZE if size is None else max(0, min(size, MAX_SIZE))


def _order(stored: StoredType, terms: list[Values] | None) -> Order:
    if terms and len(terms) > MAX_TERMS:
        raise BadRequest(f"`orderBy` has at most {MAX_TERMS} terms.")
    assert stored.ordering is not None, stored.table.name
    return stored.ordering.by([(term["field"].value, term["direction"].value == "DESC") for term in terms or ()])
