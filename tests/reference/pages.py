"""Orders, cursors and pages over lists of records."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

import orjson
from graphql import GraphQLField, GraphQLObjectType, get_named_type

from schema.rules.cursors import EPOCH, check_epoch, read_anywhere, workspace_tag
from schema.rules.errors import BadRequest
from schema.rules.stages import BY_NAME
from schema.rules.text import fold_name
from tests.reference import filters
from tests.reference.figures import summary
from tests.reference.rows import Record, snake
from tests.reference.view import View

DEFAULT_SIZE, LARGEST = 20, 100
_EXCLUSIVE = (("first", "last"), ("after", "before"), ("offset", "after"), ("offset", "before"), ("offset", "last"))
_LIST = "this list in this order: pass one that it gave, with the same orderBy"

Position = Sequence[Any]


_LETTERS = {
    "Opportunity": "NAME VALUE STAGE PROBABILITY CLOSE_DATE CREATED_AT UPDATED_AT CLOSED_DATE WEIGHTED_VALUE ACCOUNT_NAME OWNER_NAME",
    "Account": "NAME INDUSTRY - - - CREATED_AT UPDATED_AT",
    "Contact": "NAME EMAIL ACCOUNT_NAME - - CREATED_AT UPDATED_AT",
    "User": "NAME EMAIL ROLE - - CREATED_AT",
    "AuditEntry": "- - - - - CREATED_AT",
}
"""What the letters of the alphabet stand for in cursors, which outlive a release."""


class Order:
    """A total order of a type's records: its terms, then the id in the first term's direction; what has no value comes last."""

    def __init__(self, view: View, type_: GraphQLObjectType, given: Sequence[Mapping[str, Any]] | None) -> None:
        self._view = view
        terms: dict[str, bool] = {}
        for term in given or [{"field": "CREATED_AT", "direction": "DESC"}]:
            terms.setdefault(term["field"], term["direction"] == "DESC")
        letters = [chr(ord("a") + _LETTERS[type_.name].split().index(name)) for name in terms]
        signature = "".join(letter.upper() if down else letter for letter, down in zip(letters, terms.values(), strict=True))
        self.terms = [*terms.items(), ("ID", next(iter(terms.values())))]
        self.place = f"{snake(type_.name)}.{signature}"

    def position(self, record: Record) -> Position:
        """Where a record stands."""
        return [_key(self._view, record, name) for name, _ in self.terms]

    def compare(self, one: Position, other: Position) -> int:
        """Below 0 where `one` comes first, above 0 where `other` does."""
        for a, b, (_, down) in zip(one, other, self.terms, strict=True):
            if a != b:
                return (1 if a is None else -1) if a is None or b is None else (1 if (a > b) != down else -1)
        return 0

    def write(self, tenant: str, record: Record) -> str:
        """The cursor of a record: JSON in Base64, with blanks behind what all cursors of the list have in common."""
        head = orjson.dumps([self.place, tenant, EPOCH])[:-1] + b","
        return urlsafe_b64encode(head + b" " * (-len(head) % 3) + orjson.dumps(self.position(record))[1:]).decode()

    def read(self, cursor: str) -> tuple[str, Position]:
        """The workspace's tag and the position in a cursor. Raises BadRequest for one of another list."""
        origin, position = read_anywhere(cursor, self.place, _LIST)
        check_epoch(origin.epoch, EPOCH)
        return origin.tag, position


def _key(view: View, record: Record, name: str) -> Any:
    if name in {"ACCOUNT_NAME", "OWNER_NAME"}:
        other = view.refer(record, "account" if name == "ACCOUNT_NAME" else "assignedTo")
        return None if other is None else fold_name(other["name"])
    value = filters.value_of(record, name)
    if name == "STAGE":
        return BY_NAME[value].position
    return value.lower() if name == "ROLE" else fold_name(value) if name in {"NAME", "EMAIL"} else value


def connection(view: View, field: GraphQLField, records: list[Record], given: Mapping[str, Any]) -> dict[str, Any]:
    """A page of a connection's records, by the coerced arguments of its field. Raises BadRequest."""
    type_: Any = get_named_type(field.type)
    _check(given)
    order = Order(view, get_named_type(type_.fields["nodes"].type), given.get("orderBy"))
    cursor = given.get("after") if given.get("after") is not None else given.get("before")
    tag, position = (None, None) if cursor is None else order.read(cursor)
    records = _narrowed(view, field, records, given)
    tenant = workspace_tag(view.caller.workspace_id)
    if tag not in {None, tenant}:
        raise BadRequest("The cursor is of another workspace: pass one that this list gave.")
    placed = [(order.position(record), record) for record in records]
    placed.sort(key=cmp_to_key(lambda one, other: order.compare(one[0], other[0])))
    records = [record for _, record in placed]
    start, end = _window(given, [order.compare(place, position) for place, _ in placed] if position else None, len(records))
    return _told(records, start, end, lambda record: order.write(tenant, record))


def _check(given: Mapping[str, Any]) -> None:
    for one, other in _EXCLUSIVE:
        if given.get(one) is not None and given.get(other) is not None:
            raise BadRequest(f"`{one}` and `{other}` exclude each other: give one of them.")
    for name in ("first", "last"):
        if given.get(name) is not None and not 0 <= given[name] <= LARGEST:
            raise BadRequest(f"`{name}` is {given[name]}; it must be from 0 to {LARGEST}.")
    if (given.get("offset") or 0) < 0:
        raise BadRequest(f"`offset` is {given['offset']}; it must be 0 or more.")


def _narrowed(view: View, field: GraphQLField, records: list[Record], given: Mapping[str, Any]) -> list[Record]:
    if given.get("filter"):
        records = filtered(view, field, records, given["filter"])
    records = filters.searched(given.get("search") or "", records)
    account = given.get("accountId")
    return records if account is None else [record for record in records if record["account_id"] == account]


def filtered(view: View, field: GraphQLField, records: list[Record], given: Mapping[str, Any] | None) -> list[Record]:
    """The records of which the argument `filter` of a field holds. Raises BadRequest."""
    type_: Any = get_named_type(field.args["filter"].type)
    filters.check(type_, given or {})
    return [record for record in records if filters.holds(given or {}, record, view)]


def _window(given: Mapping[str, Any], compared: list[int] | None, count: int) -> tuple[int, int]:
    """Where the page begins and ends in the list, whose records come before (-1), at (0) or after (1) the cursor's position."""
    start, end = 0, count
    if compared is not None and given.get("after") is not None:
        start = sum(each <= 0 for each in compared)
    elif compared is not None:
        end = sum(each < 0 for each in compared)
    start = min(start + (given.get("offset") or 0), end)
    first, last = given.get("first"), given.get("last")
    size = first if first is not None else last if last is not None else DEFAULT_SIZE
    backward = last is not None or (given.get("before") is not None and first is None)
    return (max(start, end - size), end) if backward else (start, min(end, start + size))


def _told(records: list[Record], start: int, end: int, cursor: Callable[[Record], str]) -> dict[str, Any]:
    page = records[start:end]
    info = {
        "hasNextPage": end < len(records),
        "hasPreviousPage": start > 0,
        "startCursor": cursor(page[0]) if page else None,
        "endCursor": cursor(page[-1]) if page else None,
    }
    told = {"nodes": page, "pageInfo": info, "totalCount": len(records), "summary": lambda *_: summary(records)}
    return {**told, "edges": [{"node": record, "cursor": cursor(record)} for record in page]}
