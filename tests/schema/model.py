"""What filters and orders mean, written a second time over plain rows: slow, and without a database."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from unicodedata import normalize

from schema.rules.stages import FIRST_CLOSED, STAGES
from tests.schema.world import Row, Tenant

STAGE_NAMES = [stage.name for stage in STAGES]
COLUMNS = {
    "id": "id",
    "accountId": "account_id",
    "assignedToId": "assigned_to_id",
    "stage": "stage",
    "value": "value_cents",
    "probability": "probability",
    "closeDate": "close_date",
    "closedDate": "closed_date",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "name": "name",
    "source": "source",
}
ORDERS = {
    "NAME": "name_folded",
    "VALUE": "value_cents",
    "STAGE": "stage",
    "PROBABILITY": "probability",
    "CLOSE_DATE": "close_date",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "gt": lambda value, operand: value is not None and value > operand,
    "gte": lambda value, operand: value is not None and value >= operand,
    "lt": lambda value, operand: value is not None and value < operand,
    "lte": lambda value, operand: value is not None and value <= operand,
    "in": lambda value, operand: value in operand,
    "notIn": lambda value, operand: value not in operand,
    "isNull": lambda value, operand: (value is None) == operand,
    "contains": lambda value, operand: value is not None and folded(operand) in folded(value),
    "startsWith": lambda value, operand: value is not None and folded(value).startswith(folded(operand)),
}


def folded(text: str) -> str:
    """Text as it is searched by."""
    return normalize("NFKC", normalize("NFKC", text).casefold())


def matches(given: Mapping[str, Any], deal: Row, contacts: list[str]) -> bool:
    """Whether a deal passes an OpportunityFilter in its JSON form."""
    return all(_field(name, value, deal, contacts) for name, value in given.items() if value is not None)


def _field(name: str, value: Any, deal: Row, contacts: list[str]) -> bool:  # noqa: PLR0911  a case a line
    if name == "and":
        return all(matches(each, deal, contacts) for each in value)
    if name == "or":
        return any(matches(each, deal, contacts) for each in value)
    if name == "not":
        return not matches(value, deal, contacts)
    if name == "isClosed":
        return (int(deal["stage"]) >= FIRST_CLOSED) == value
    if name == "contactId":
        return all(_linked(operator, operand, contacts) for operator, operand in value.items())
    stored = deal[COLUMNS[name]]
    if name in {"createdAt", "updatedAt"}:
        return all(_OPERATORS[operator](_instant(stored), _instant(operand)) for operator, operand in value.items())
    return all(_OPERATORS[operator](stored, _stored(name, operand)) for operator, operand in value.items())


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


def _linked(operator: str, operand: Any, contacts: list[str]) -> bool:
    if operator == "isNull":
        return (not contacts) == operand
    wanted = [operand] if operator == "eq" else operand
    return any(each in wanted for each in contacts) != (operator == "notIn")


def _stored(name: str, operand: Any) -> Any:
    if isinstance(operand, list):
        return [_stored(name, each) for each in operand]
    if name == "stage":
        return STAGE_NAMES.index(operand)
    if name == "value" and not isinstance(operand, bool):
        return int(Decimal(str(operand)) * 100)
    return operand


def ordered(deals: list[Row], terms: list[tuple[str, bool]]) -> list[Row]:
    """Deals by (field, descending) terms: nulls last either way, ties by id in the first term's direction."""
    terms = terms or [("CREATED_AT", True)]

    def compare(one: Row, other: Row) -> int:
        for field, descending in terms:
            a, b = one[ORDERS[field]], other[ORDERS[field]]
            if a != b:
                if a is None or b is None:
                    return 1 if a is None else -1
                return (1 if a > b else -1) * (-1 if descending else 1)
        return (1 if one["id"] > other["id"] else -1) * (-1 if terms[0][1] else 1)

    return sorted(deals, key=cmp_to_key(compare))


def chosen(tenant: Tenant, given: Mapping[str, Any] | None = None, terms: list[tuple[str, bool]] | None = None) -> list[Row]:
    """The deals of a workspace that pass a filter, in order."""
    deals = [deal for deal in tenant.rows("opportunity") if matches(given or {}, deal, tenant.contacts_of(deal["id"]))]
    return ordered(deals, terms or [])
