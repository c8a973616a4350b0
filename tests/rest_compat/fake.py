"""A graph in memory behind REST's Protocol: enough of the rules to tell translation, executed by graphql-core on the real SDL."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache, partial
from itertools import count
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, execute_sync, parse, type_from_ast, validate_input_value

from gateway.edge.bodies import HELD_BYTES, SMALL, TOO_MANY, RequestBodies
from gateway.edge.request_scope import RequestScope
from gateway.edge.shared_memory import SharedMemory
from gateway.edge.turns import Turns
from gateway.rest.adapter import RestEndpoint, document_page
from rest_compat import RESOURCES, Rest
from rest_compat.protocol import BodyDecodeError, Policy, RestUse, VariableFault
from rest_compat.resources.declaration import Deprecation, Resource

WRITABLE = re.compile(r"(create|update|delete)(Opportunity|Account|Contact)")
FOLDERS = {"Opportunity": "opp", "Account": "acc", "Contact": "cnt", "User": "usr"}
CLOSED = {"CLOSED_WON", "CLOSED_LOST"}


@cache
def schema() -> GraphQLSchema:
    """The schema that is served, with the scalars' input rules."""
    from schema.assembly import build  # noqa: PLC0415

    built = build_schema(build().sdl)
    for name, read in {"Money": _money, "Date": _day}.items():
        scalar: Any = built.type_map[name]
        scalar.coerce_input_value = scalar.parse_value = read
    return built


def _money(value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise GraphQLError("Money is a number.")
    try:
        exact = Decimal(str(value))
    except ArithmeticError:
        raise GraphQLError("Money is a number.") from None
    if not exact.is_finite() or exact != round(exact, 2) or abs(exact) >= 10**13:
        raise GraphQLError("Money has at most two decimals.")
    return int(exact) if exact == int(exact) else float(exact)


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise GraphQLError("A date is YYYY-MM-DD.") from None


@dataclass
class Answer:
    """As the real graph answers."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]] | None = None
    extensions: dict[str, Any] = field(default_factory=dict)
    executed: bool = True
    revision: int | None = None


class UserFault(Exception):
    """Becomes a user error."""

    def __init__(self, code: str, message: str, *path: str) -> None:
        super().__init__(message)
        self.told = {"code": code, "field": list(path) or None, "message": message}


class FakeGraph:
    """Records what it is asked; `fail` makes every operation answer that error code."""

    def __init__(self) -> None:
        self.schema = schema()
        self.version = "9.9.9"
        self.epoch = 0
        self.deprecation: Deprecation | None = None
        self.public_url: str | None = "https://crm.example.com"
        self.require_if_match = False
        self.unknown_parameters: Policy = "near-miss"
        self.max_body = 262_144
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.uses: list[RestUse] = []
        self.fail: str | None = None
        self.changes = 0
        self.keys: dict[str, tuple[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self._next = count(1)

    def prepare(self, document: str, *, later: bool = False) -> Any:
        del later
        return document, parse(document)

    def is_stored(self, type_name: str, field: str) -> bool:
        del type_name, field
        return True

    async def execute(
        self, prepared: Any, variables: dict[str, Any], caller: Any, *, at_revision: bool = False, uses: Sequence[RestUse] = ()
    ) -> Answer:
        self.uses += uses
        text, tree = prepared
        self.asked.append((text, json.loads(json.dumps(variables))))
        if self.fail:
            return Answer(None, [{"message": "As told.", "extensions": {"code": self.fail}}])
        if self.check(prepared, variables):
            return Answer(None, [{"message": "Variables.", "extensions": {"code": "BAD_REQUEST"}}], executed=False)
        if caller == "viewer" and text.startswith("mutation"):
            return Answer(None, [{"message": "Your role only reads.", "extensions": {"code": "FORBIDDEN"}}])
        replayed = (variables.get("idempotencyKey") or "") in self.keys
        result = execute_sync(self.schema, tree, _Root(self), variable_values=variables)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        revision = self.changes if at_revision else None
        return Answer(result.data, extensions={"idempotencyReplayed": True} if replayed else {}, revision=revision)

    def check(self, prepared: Any, variables: dict[str, Any]) -> Sequence[VariableFault]:
        found: list[VariableFault] = []
        for node in prepared[1].definitions[0].variable_definitions:
            name = node.variable.name.value
            kind: Any = type_from_ast(self.schema, node.type)
            if name in variables:
                validate_input_value(variables[name], kind, partial(_note, found, name))
        return found

    def check_scalar(self, scalar: str, value: Any) -> None:
        type_: Any = self.schema.type_map[scalar]
        try:
            type_.coerce_input_value(value)
        except GraphQLError as error:
            raise ValueError(error.message) from None

    def decode(self, body: bytes) -> Any:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BodyDecodeError("Malformed JSON.") from error
        if "\\u0000" in json.dumps(value) or "\\ud8" in json.dumps(value):
            raise BodyDecodeError("NUL or a lone surrogate.", "VALIDATION_ERROR")
        return value

    async def revision(self, caller: Any) -> int:
        del caller
        return self.changes

    def permits(self, prepared: Any, variables: Any, caller: Any) -> bool:
        del prepared, variables, caller
        return True

    def record_usage(self, caller: Any, uses: Sequence[RestUse]) -> None:
        del caller
        self.uses += uses

    def add(self, kind: str, **values: Any) -> str:
        """A new record; returns its id."""
        number = next(self._next)
        identifier = f"{FOLDERS[kind]}_{number:026d}"
        at = f"2025-01-01T00:00:{number % 60:02d}Z"
        self.rows[identifier] = {"kind": kind, "id": identifier, "version": 1, "createdAt": at, "updatedAt": at, **values}
        self.changes += 1
        return identifier


def _note(found: list[VariableFault], name: str, error: GraphQLError, path: list[str | int]) -> None:
    missing = re.search(r"required field [\"'](\w+)", error.message)
    found.append(VariableFault((name, *path, missing[1]) if missing else (name, *path), error.message))


class _Root:
    """The root fields that the documents of REST use, over the rows."""

    def __init__(self, graph: FakeGraph) -> None:
        self.graph = graph

    def __getattr__(self, name: str) -> Any:
        if write := WRITABLE.fullmatch(name):
            return lambda _, **arguments: self._write(write[1], write[2], **arguments)
        kinds = {"opportunities": "Opportunity", "accounts": "Account", "contacts": "Contact"}
        if name in kinds:
            return lambda _, **arguments: self._list(kinds[name], **arguments)
        return lambda _, **arguments: self._view(arguments["id"], name.capitalize())

    def _view(self, identifier: str | None, kind: str) -> dict[str, Any] | None:
        row = self.graph.rows.get(identifier or "")
        if row is None or row["kind"] != kind:
            return None
        return row | {
            "account": lambda _: self._view(row.get("accountId"), "Account"),
            "assignedTo": lambda _: self._view(row.get("assignedToId"), "User"),
            "contacts": lambda _: [self._view(one, "Contact") for one in row.get("contactIds") or []],
        }

    def _list(self, kind: str, **arguments: Any) -> dict[str, Any]:
        wanted = arguments.get("filter") or {}
        wanted |= {"name": {"contains": arguments["search"]}} if arguments.get("search") else {}
        wanted |= {"accountId": {"eq": arguments["accountId"]}} if arguments.get("accountId") else {}
        rows = [row for row in self.graph.rows.values() if row["kind"] == kind and _matches(row, wanted)]
        rows.sort(key=lambda row: row["id"], reverse=True)
        for term in reversed(arguments.get("orderBy") or []):
            key = _camel(term["field"])
            rows.sort(key=lambda row: (row.get(key) is not None, row.get(key)), reverse=term["direction"] == "DESC")
        begin, end = _window(
            [row["id"] for row in rows], **{name: arguments.get(name) for name in ("first", "last", "after", "before", "offset")}
        )
        shown = [self._view(row["id"], kind) for row in rows[begin:end]]
        return {"nodes": shown, "totalCount": len(rows), "pageInfo": _page_info([row["id"] for row in rows], begin, end)}

    def _write(self, verb: str, kind: str, **arguments: Any) -> dict[str, Any]:
        key, asked = arguments.pop("idempotencyKey", None), repr(arguments)
        try:
            if key in self.graph.keys:
                return self._replay(key, asked)
            answer = getattr(self, f"_{verb}")(kind, **arguments)
        except UserFault as fault:
            return {"userErrors": [fault.told], "opportunity": None, "account": None, "contact": None}
        if key:
            self.graph.keys[key] = (asked, answer)
        return answer

    def _replay(self, key: str, asked: str) -> Any:
        if self.graph.keys[key][0] != asked:
            raise UserFault("VALIDATION_ERROR", "The key was used for another call.")
        return self.graph.keys[key][1]

    def _create(self, kind: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        row = {"stage": "PROSPECTING", "probability": 10, "contactIds": [], **input} if kind == "Opportunity" else dict(input)
        row |= {"name": row.get("firstName") or row.get("lastName")} if kind == "Contact" else {}
        self._validate(row)
        identifier = self.graph.add(kind, **_plain(row))
        return {kind.lower(): self._view(identifier, kind), "userErrors": []}

    def _update(self, kind: str, id: str, input: dict[str, Any], **rest: Any) -> dict[str, Any]:  # noqa: A002
        row = self._found(kind, id, rest.get("expectedVersion"))
        changed = {name: value for name, value in _plain(input).items() if row.get(name) != value}
        self._validate(row | changed)
        if changed:
            row |= changed | {"version": row["version"] + 1, "updatedAt": "2025-02-02T02:02:02Z"}
            self.graph.rows[id] = row
            self.graph.changes += 1
        return {kind.lower(): self._view(id, kind), "userErrors": []}

    def _delete(self, kind: str, id: str, **rest: Any) -> dict[str, Any]:  # noqa: A002
        self._found(kind, id, rest.get("expectedVersion"))
        if any(row.get("accountId") == id and row["kind"] == "Opportunity" for row in self.graph.rows.values()):
            raise UserFault("CONFLICT", "It still has opportunities.")
        del self.graph.rows[id]
        self.graph.changes += 1
        return {"deletedId": id, "userErrors": []}

    def _found(self, kind: str, identifier: str, version: int | None) -> dict[str, Any]:
        row = self.graph.rows.get(identifier)
        if row is None or row["kind"] != kind:
            raise UserFault("NOT_FOUND", "Nothing has this id.")
        if version is not None and version != row["version"]:
            raise UserFault("PRECONDITION_FAILED", "It has changed.")
        return dict(row)

    def _validate(self, row: dict[str, Any]) -> None:
        if not (row.get("name") or row.get("firstName") or "").strip():
            raise UserFault("VALIDATION_ERROR", "It needs a name.", "name")
        for name in ("accountId", "assignedToId"):
            if row.get(name) is not None and row[name] not in self.graph.rows:
                raise UserFault("NOT_FOUND", "Nothing has this id.", name)
        for index, one in enumerate(row.get("contactIds") or []):
            if one not in self.graph.rows:
                raise UserFault("NOT_FOUND", "Nothing has this id.", "contactIds", str(index))


def _window(
    ids: list[str], *, first: int | None, last: int | None, after: str | None, before: str | None, offset: int | None
) -> tuple[int, int]:
    """The page's first place and the one behind its last; a cursor is an id."""
    if before is not None:
        end = next((place for place, one in enumerate(ids) if one <= before), len(ids))
        return max(0, end - (last or 0)), end
    begin = offset or 0 if after is None else next((place for place, one in enumerate(ids) if one < after), len(ids))
    return begin, min(begin + (20 if first is None else first), len(ids))


def _page_info(ids: list[str], begin: int, end: int) -> dict[str, Any]:
    shown = ids[begin:end]
    return {
        "hasNextPage": end < len(ids),
        "hasPreviousPage": begin > 0 and bool(ids),
        "startCursor": shown[0] if shown else None,
        "endCursor": shown[-1] if shown else None,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "name", value) for name, value in row.items()}


def _camel(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def _matches(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(_holds(row.get(name), operator, value) for name, one in wanted.items() for operator, value in one.items())


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    if value is None:
        return False
    match operator:
        case "eq":
            return bool(value == wanted)
        case "in":
            return value in wanted
        case "gte":
            return bool(value >= wanted)
        case "lte":
            return bool(value <= wanted)
        case "contains":
            return str(wanted).casefold() in str(value).casefold()
    raise AssertionError(operator)


class Everyone(str):
    """A caller of this name, who sees what is there."""

    __slots__ = ()

    @property
    def visibility(self) -> str:
        return str(self)

    @property
    def token_id(self) -> str:
        return str(self)


def application(graph: FakeGraph, caller: str = "admin", resources: Sequence[Resource] = RESOURCES) -> Any:
    """The routes behind the edge that reads requests and writes errors, in which everyone is `caller`."""
    rest = Rest(graph, resources)
    pages = {path: document_page(document) for path, document in rest.documents.items()}

    def complain(_: Any, error: Exception) -> None:
        raise error

    async def still_allowed(_: Any) -> None:
        """Nobody loses a right here."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        endpoint: Any = RestEndpoint(rest, graph, graph.public_url)  # type: ignore[arg-type]  it has an epoch
        scope["state"] = {"caller": Everyone(caller)}
        scope["headers"] = [*scope["headers"], (b"x-request-id", b"req-1")]
        answer = pages.get(scope["path"], endpoint)
        room = SharedMemory(HELD_BYTES, TOO_MANY, SMALL)
        read = RequestBodies(answer, graph.max_body, graph.max_body, room, Turns(), still_allowed)
        await RequestScope(read, lambda *_: None, complain, endpoint.notices, lambda: False)(scope, receive, send)

    return asgi
