"""An independent oracle: the graph's own SDL executed by graphql-core, with plain resolvers over rows read through SQLModel sessions.

Filter, order, cursor, visibility and sums are plain Python; which fields there are, of what type and with what arguments comes from the
schema. Nothing of the planner is imported: what both have in common are the scalars, the rules' texts and stages, and the tables' names.

What it can't say: whether a request is refused as a whole, be it for its cost, its depth, its size or its answer's, since these are the
gateway's own; how a fault of a variable is worded (only that there is one); what `previewUpdateOpportunity` would change, which follows
the rules of writing: the parity machine has a model of these. What no document is drawn with (a list of a thousand ids, a text of a
thousand characters, a cursor that someone made up) it doesn't refuse: each of these has a test of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution import execute_sync

from schema.rules.access import Caller, Role
from schema.rules.errors import BadRequest, Forbidden
from schema.rules.stages import STAGES
from tests.reference import figures, pages
from tests.reference.filters import value_of
from tests.reference.rows import Record, Rows, load, snake
from tests.reference.view import View

_FOR_ADMINS = "Null for callers who are not admins."
_ADMINS_ONLY = "Only admins may ask."
_SCALAR = ("serialize", "parse_value", "parse_literal", "coerce_output_value", "coerce_input_value", "coerce_input_literal")


class Oracle:
    """Answers queries over the rows of a database, which must not change meanwhile. `now` is the instant that ages count to."""

    def __init__(self, schema: GraphQLSchema, rows: Rows, now: str) -> None:
        self.schema = schema
        self._rows = rows
        self._now = now
        self._views: dict[Caller, View] = {}

    def answer(self, document: DocumentNode, variables: dict[str, Any], caller: Caller, name: str | None = None) -> ExecutionResult:
        """The result of an operation, errors with their messages and paths."""
        view = self._views.setdefault(caller, View(self._rows, caller, self._now))
        return execute_sync(
            self.schema, document, None, view, variables, name, field_resolver=_resolve, type_resolver=lambda value, *_: value.type
        )


async def make_oracle(url: str, sdl: str, scalars: Mapping[str, Any], now: str) -> Oracle:
    """The oracle of a database, over a schema as `read_schema` reads it."""
    schema = read_schema(sdl, scalars)
    return Oracle(schema, await load(url, schema), now)


def read_schema(sdl: str, scalars: Mapping[str, Any]) -> GraphQLSchema:
    """The schema of an SDL; `scalars` have the scalars that aren't GraphQL's own."""
    schema = build_schema(sdl)
    for name, type_ in schema.type_map.items():
        if name in scalars and is_leaf_type(type_) and not isinstance(type_, GraphQLEnumType):
            for each in _SCALAR:
                if hasattr(scalars[name], each):
                    setattr(type_, each, getattr(scalars[name], each))
    return schema


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
    if source is None:
        return _root(info, given)
    if isinstance(source, Record):
        return _member(source, info, given)
    value = source[info.field_name if info.field_name in source else snake(info.field_name)]
    return value(info, given) if callable(value) else value


def _root(info: GraphQLResolveInfo[Any], given: dict[str, Any]) -> Any:
    """A root field: one with a meaning of its own, or a connection, a list, a record by its id."""
    view: View = info.context
    field = info.parent_type.fields[info.field_name]
    type_ = get_named_type(field.type)
    if info.field_name in _ROOTS:
        return _ROOTS[info.field_name](view, given)
    if info.field_name in figures.FIGURES:
        found = partial(pages.filtered, view, field, view.all("Opportunity"), given.get("filter"))
        return figures.FIGURES[info.field_name](view, found, given)
    if _ADMINS_ONLY in (field.description or "") and view.caller.role is not Role.ADMIN:
        raise Forbidden("Only an admin may do this.")
    if type_.name.endswith("Connection"):
        return pages.connection(view, field, view.all(_item(type_)), given)
    if is_list_type(get_nullable_type(field.type)):
        return sorted(view.all(type_.name), key=lambda record: [record[column] for column in _ORDERS[info.field_name]])
    return view.one(type_.name, given["id"])


def _item(type_: Any) -> str:
    """The name of the type of a connection's records."""
    return str(get_named_type(type_.fields["nodes"].type).name)


def _viewer(view: View, _: Mapping[str, Any]) -> dict[str, Any]:
    seen = {"user": view.one("User", view.caller.user_id), "workspace": view.one("Workspace", view.caller.workspace_id)}
    return asdict(view.caller) | seen | {"role": view.caller.role.name, "opportunities": partial(_own, seen["user"])}


def _own(user: Record | None, info: GraphQLResolveInfo[Any], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """A page of the deals that the caller looks after; None where no user is asking."""
    if user is None:
        return None
    deals = [deal for deal in info.context.all("Opportunity") if deal["assigned_to_id"] == user["id"]]
    return pages.connection(info.context, info.parent_type.fields[info.field_name], deals, given)


_ROOTS: dict[str, Callable[[View, Mapping[str, Any]], Any]] = {
    "viewer": _viewer,
    "stages": lambda *_: [asdict(each) | {"stage": each.name} for each in STAGES],
    "node": lambda view, given: view.node(given["id"]),
    "nodes": lambda view, given: [view.node(id_) for id_ in given["ids"]],
}
_ORDERS = {"apiKeys": ("created_at", "id"), "restUsage": ("token_id", "route", "kind", "name")}


def _member(record: Record, info: GraphQLResolveInfo[Any], given: dict[str, Any]) -> Any:
    """A field of a record: null to whom it isn't told, a connection, related records, a value of its row."""
    view: View = info.context
    field = info.parent_type.fields[info.field_name]
    type_ = get_named_type(field.type)
    if _FOR_ADMINS in (field.description or "") and view.caller.role is not Role.ADMIN:
        return None
    if type_.name.endswith("Connection"):
        return pages.connection(view, field, view.below(record, _item(type_)), given)
    if is_leaf_type(type_):
        return value_of(record, info.field_name)
    if is_list_type(get_nullable_type(field.type)):
        return _list(view, record, type_.name, given)
    if isinstance(type_, GraphQLObjectType):
        return view.refer(record, info.field_name)
    return view.refer(record, "by" if record["by_id"] is not None else "byKey")


def _list(view: View, record: Record, type_name: str, given: dict[str, Any]) -> list[Record]:
    found = view.below(record, type_name)
    if type_name != "StageChange":
        return found
    last = 100 if given.get("last") is None else given["last"]
    if not 0 <= last <= 100:
        raise BadRequest(f"`last` is {last}; it must be from 0 to 100.")
    return sorted(found, key=lambda change: change["sequence"])[len(found) - min(last, len(found)) :]
