"""The two doors of one application, called in process, each in its own words; what they say comes back in REST's shape, to compare."""

from asyncio import Runner
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from gateway.app import Application, create_app
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Role
from tests.end_to_end.parity.meant import Write
from tests.end_to_end.parity.model import ACCOUNT, CONTACT, DETAIL, LISTED, PIPELINE, Body, Row

Told = tuple[Row, int, list[Row] | None]
Foretold = dict[str, tuple[Any, Any]] | tuple[str, set[tuple[str, str]]]
"""What an update would change, by field; or the code and the faults that stop it."""

BASE = "https://crm.example.com"
NAMES = {"assignedTo": "assignedToId"}
TYPES = {"opportunities": "Opportunity", "accounts": "Account", "contacts": "Contact"}
FIELDS = {
    "opportunities": "id name account { id name } value stage probability closeDate closedDate lossReason assignedTo { id name } source "
    "contacts { id } description createdAt updatedAt version stageHistory { from to at }",
    "accounts": "id name website industry createdAt updatedAt version",
    "contacts": "id firstName lastName name email phone title account { id name } createdAt updatedAt version",
}
KEYS = {"opportunities": DETAIL, "accounts": ACCOUNT, "contacts": CONTACT}
ITEMS = KEYS | {"opportunities": LISTED}
_PLACES = {
    "accountId": ("filter", "accountId", "in"),
    "assignedTo": ("filter", "assignedToId", "in"),
    "stage": ("filter", "stage", "in"),
    "closeDateAfter": ("filter", "closeDate", "gte"),
    "closeDateBefore": ("filter", "closeDate", "lte"),
    "valueMin": ("filter", "value", "gte"),
    "valueMax": ("filter", "value", "lte"),
    "search": ("filter", "name", "contains"),
}


@dataclass(frozen=True)
class Said:
    """An answer: a refusal has a code, and faults as (REST name, code) with their messages."""

    body: Any = None
    code: str | None = None
    faults: frozenset[tuple[str, str]] = frozenset()
    messages: frozenset[str] = frozenset()
    status: int = 200
    headers: Mapping[str, str] | None = None
    version: int = 0
    replayed: bool = False


class Doors:
    """An application with its database, and one workspace at a time."""

    def __init__(self, app: Application, runner: Runner) -> None:
        self.app = app
        self.runner = runner
        self.token = ""
        self.workspace = ""

    def enter(self, workspace: str) -> None:
        """A new, empty workspace."""
        self.workspace = workspace
        self.token = self._key(NewKey(workspace, Role.ADMIN, "parity"))

    def limited(self, account: str) -> str:
        """The token of a new key that sees one account alone."""
        return self._key(NewKey(self.workspace, Role.VIEWER, "limited", account_id=account))

    def _key(self, key: NewKey) -> str:
        return self.runner.run(ApiKeys(self.app.database).create(key)).token

    @contextmanager
    def by(self, token: str) -> Iterator[None]:
        """Calls are made by another token meanwhile."""
        own, self.token = self.token, token
        try:
            yield
        finally:
            self.token = own

    def call(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """One HTTP request."""
        return self.runner.run(self._call(method, target, {"authorization": f"Bearer {self.token}", **headers}, body))

    async def _call(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = target.partition("?")
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs, "scheme": "http"}
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])

    # --- REST

    def rest(self, method: str, target: str, body: Body | None = None, headers: Mapping[str, str] | None = None) -> Said:
        """What REST answers."""
        sent = b"" if body is None else orjson.dumps(body)
        given = {"content-type": "application/json"} if body is not None else {}
        status, told, content = self.call(method, target, given | dict(headers or {}), sent)
        found = orjson.loads(content) if content else None
        version = int(told.get("etag", '"0-').split("-")[0].strip('"'))
        if status < 400:
            return Said(found, None, status=status, headers=told, version=version, replayed="idempotency-replayed" in told)
        faults = frozenset((item["field"], item["code"]) for item in found.get("errors", ()))
        messages = frozenset(item["message"] for item in found.get("errors", ()))
        return Said(found, found["code"], faults, messages, status, told)

    # --- GraphQL

    def ask(self, document: str, variables: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A document's data and extensions; its errors instead of data, if it has any."""
        content = orjson.dumps({"query": document, "variables": variables})
        _, _, answer = self.call("POST", "/graphql", {"content-type": "application/json"}, content)
        found = orjson.loads(answer)
        return found.get("errors") or found["data"], found.get("extensions", {})

    def get(self, kind: str, id_: str) -> Told | None:
        """A record."""
        one = TYPES[kind].lower()
        data, _ = self.ask(f"query($id: ID!) {{ {one}(id: $id) {{ {FIELDS[kind]} }} }}", {"id": id_})
        record = data[one]
        return record and told(kind, record)

    def page(self, kind: str, query: Mapping[str, Any], limit: int, offset: int) -> tuple[int, list[Told]]:
        """The count, and a page of records."""
        variables: dict[str, Any] = {"first": limit, "offset": offset}
        for name, value in query.items():
            if name == "ordering":
                variables["orderBy"] = [_term(term) for term in value]
            elif kind == "opportunities":
                self._place(variables, name, value)
            else:
                variables[name] = value[0] if name == "accountId" else value
        declared = {
            "opportunities": ("$filter: OpportunityFilter, $orderBy: [OpportunityOrder!]", "filter: $filter, orderBy: $orderBy"),
            "accounts": ("$search: String", "search: $search"),
            "contacts": ("$search: String, $accountId: ID", "search: $search, accountId: $accountId"),
        }[kind]
        document = f"""query({declared[0]}, $first: Int, $offset: Int) {{
          {kind}({declared[1]}, first: $first, offset: $offset) {{ totalCount nodes {{ {FIELDS[kind]} }} }} }}"""
        data, _ = self.ask(document, variables)
        return data[kind]["totalCount"], [told(kind, node) for node in data[kind]["nodes"]]

    @staticmethod
    def _place(variables: dict[str, Any], name: str, value: Any) -> None:
        root, field, operator = _PLACES[name]
        if name == "stage":
            value = [stage.upper() for stage in value]
        elif name.startswith("closeDate"):
            value = value[:10]
        variables.setdefault(root, {}).setdefault(field, {})[operator] = value

    def write(self, meant: Write) -> Said:
        """A mutation: create, update or delete."""
        kind, verb, body = meant.kind, meant.verb, meant.body
        type_, declared = TYPES[kind], list[tuple[str, str, Any]]()
        if verb != "create":
            declared += [("id", "ID!", meant.id)]
        if body is not None:
            declared += [("input", f"{verb.capitalize()}{type_}Input!", _input(body))]
        if verb != "create":
            declared += [("expectedVersion", "Int", meant.seen)]
        if verb == "update" and kind == "opportunities":
            declared += [("ignoreUnchanged", "Boolean!", meant.is_whole)]
        declared += [("idempotencyKey", "String", meant.key)]
        variables = {name: value for name, _, value in declared if meant.nulls or value is not None}
        heads = ", ".join(f"${name}: {of}" for name, of, _ in declared)
        given = ", ".join(f"{name}: ${name}" for name, _, _ in declared)
        answer = "deletedId" if verb == "delete" else f"{type_.lower()} {{ {FIELDS[kind]} }}"
        document = f"mutation({heads}) {{ {verb}{type_}({given}) {{ {answer} userErrors {{ code field message reason index }} }} }}"
        data, extensions = self.ask(document, variables)
        if isinstance(data, list):
            return Said(None, data[0]["extensions"]["code"].lower())
        payload = data[f"{verb}{type_}"]
        if payload["userErrors"]:
            return _refused(payload["userErrors"])
        replayed = extensions.get("idempotencyReplayed", False)
        if verb == "delete":
            return Said(payload["deletedId"], replayed=replayed)
        record = payload[type_.lower()]
        return Said(flat(kind, record), version=record["version"], replayed=replayed)

    def preview(self, meant: Write) -> Foretold:
        """What an update would change, by REST's names, as text before and after; or what would stop it."""
        document = """query($id: ID!, $input: UpdateOpportunityInput!, $whole: Boolean!) {
          previewUpdateOpportunity(id: $id, input: $input, ignoreUnchanged: $whole) {
            changes { field from to because } userErrors { code field message reason index } } }"""
        data, _ = self.ask(document, {"id": meant.id, "input": _input(meant.body or {}), "whole": meant.is_whole})
        found = data["previewUpdateOpportunity"]
        if found["userErrors"]:
            refused = _refused(found["userErrors"])
            return refused.code or "", set(refused.faults)
        rest = {field: name for name, field in NAMES.items()}
        for change in found["changes"]:
            # What the caller didn't name, a rule made, and says so.
            assert change["because"] or rest.get(change["field"], change["field"]) in (meant.body or {}), change
        return {rest.get(change["field"], change["field"]): (change["from"], change["to"]) for change in found["changes"]}

    def user(self, name: str, email: str) -> str:
        """A new user's id."""
        document = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }"
        data, _ = self.ask(document, {"input": {"name": name, "email": email, "role": "MEMBER"}})
        return str(data["createUser"]["user"]["id"])

    def rename_user(self, id_: str, name: str) -> None:
        """Changes the name that deals show."""
        document = "mutation($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { user { id } } }"
        data, _ = self.ask(document, {"id": id_, "input": {"name": name}})
        assert data["updateUser"]["user"] == {"id": id_}


def _term(term: str) -> dict[str, str]:
    field = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in term.lstrip("-"))
    return {"field": field, "direction": "DESC" if term[0] == "-" else "ASC"}


def _input(body: Body) -> dict[str, Any]:
    written = {NAMES.get(name, name): value for name, value in body.items()}
    return written | ({"stage": written["stage"].upper()} if written.get("stage") else {})


def _refused(errors: list[Any]) -> Said:
    rest = {field: name for name, field in NAMES.items()}
    if errors[0]["field"] is None:
        return Said(None, errors[0]["code"].lower())
    faults = {(".".join([rest.get(error["field"][0], error["field"][0]), *error["field"][1:]]), error["code"].lower()) for error in errors}
    return Said(None, "validation_error", frozenset(faults), frozenset(rest_words(error["message"]) for error in errors))


def rest_words(message: str) -> str:
    """A message of GraphQL in the words of REST: the two must say the same, each by its own names."""
    for stage in PIPELINE:
        message = message.replace(f"`{stage.upper()}`", f"`{stage}`")
    return message.replace("`assignedToId`", "`assignedTo`")


def told(kind: str, record: Row) -> Told:
    """A GraphQL record in REST's shape, its version, and a deal's stages."""
    history = record.get("stageHistory")
    stages = history and [{**one, "from": one["from"] and one["from"].lower(), "to": one["to"].lower()} for one in history]
    return flat(kind, record), record["version"], stages


def flat(kind: str, record: Row) -> Row:
    """A GraphQL record in REST's shape."""
    account, owner = record.get("account") or {}, record.get("assignedTo") or {}
    full = record | {"accountId": account.get("id"), "accountName": account.get("name")}
    if kind == "opportunities":
        full |= {"assignedTo": owner.get("id"), "assignedToName": owner.get("name"), "stage": record["stage"].lower()}
        full |= {"contactIds": [contact["id"] for contact in record["contacts"]]}
    return {name: full[name] for name in KEYS[kind]}


ARRAYS = {"repeated": "{name}", "brackets": "{name}[]", "indices": "{name}[{place}]"}
"""How clients write an array, beside commas."""


def target(kind: str, query: Mapping[str, Any], array: str = "commas") -> str:
    """A list's address; `array` is how its lists are written, as far as it takes lists there."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if isinstance(value, list) and array in ARRAYS and (kind, name) != ("contacts", "accountId"):
            pairs += [(ARRAYS[array].format(name=name, place=place), each) for place, each in enumerate(value)]
        else:
            pairs.append((name, ",".join(value) if isinstance(value, list) else str(value)))
    return f"/api/{kind}/?{urlencode(pairs, quote_via=quote)}"


@contextmanager
def opened(database_url: str) -> Iterator[Doors]:
    """The application over a migrated database."""
    with Runner() as runner:
        app = create_app(Settings(database_url=database_url, access_log=False, public_url=BASE, log_level="error"))
        stack = AsyncExitStack()
        runner.run(stack.enter_async_context(app.lifespan(app)))
        try:
            yield Doors(app, runner)
        finally:
            runner.run(stack.aclose())
