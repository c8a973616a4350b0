"""Which deals of a tests' workspace filters and orders choose, as the oracle has it: slow, and without a database."""

from collections.abc import Mapping
from functools import cache, cmp_to_key
from typing import Any

from graphql import GraphQLSchema, coerce_input_value

from schema.assembly import build
from schema.rules.stages import STAGES
from tests.reference import filters
from tests.reference.oracle import read_schema
from tests.reference.pages import Order
from tests.reference.rows import LINKS, Record, Rows, shown
from tests.reference.view import View
from tests.schema.dataset import Row, Tenant

STAGE_NAMES = [stage.name for stage in STAGES]
ORDERS = ("NAME", "VALUE", "STAGE", "PROBABILITY", "CLOSE_DATE", "CREATED_AT", "UPDATED_AT")
_TABLES = {"Opportunity": "opportunity", "Account": "account", "User": "user", "Contact": "contact", "StageChange": "stage_change"}


@cache
def _schema() -> GraphQLSchema:
    built = build()
    return read_schema(built.sdl, built.schema.type_map)


def view_of(tenant: Tenant, now: str = "") -> View:
    """What an admin sees of a workspace at an instant."""
    records = {name: [_record(name, row) for row in tenant.rows(table)] for name, table in _TABLES.items()}
    links = [_record(LINKS, row) for row in tenant.rows(LINKS)]
    return View(Rows(records, links), tenant.caller(), now)


def _record(name: str, row: Row) -> Record:
    return Record(name, {column: shown(column, value) for column, value in row.items()})


def found(view: View, given: Mapping[str, Any]) -> list[Record]:
    """The deals that pass an OpportunityFilter in its JSON form."""
    filter_: Any = coerce_input_value(given, _schema().type_map["OpportunityFilter"])  # type: ignore[arg-type]
    return [deal for deal in view.all("Opportunity") if filters.holds(filter_, deal, view)]


def chosen(tenant: Tenant, given: Mapping[str, Any] | None = None, terms: list[tuple[str, bool]] | None = None) -> list[Row]:
    """The rows of the deals that pass a filter, in the order of (field, descending) terms."""
    view = view_of(tenant)
    type_: Any = _schema().type_map["Opportunity"]
    order = Order(view, type_, [{"field": name, "direction": "DESC" if down else "ASC"} for name, down in terms or ()])
    placed = [(order.position(deal), deal["id"]) for deal in found(view, given or {})]
    placed.sort(key=cmp_to_key(lambda one, other: order.compare(one[0], other[0])))
    rows = {row["id"]: row for row in tenant.rows("opportunity")}
    return [rows[id_] for _, id_ in placed]
