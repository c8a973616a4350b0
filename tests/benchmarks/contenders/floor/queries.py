"""The floor's SQL and the Python between a row and its answer, by hand, for SQLite."""

import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from ulid import ULID

STAGES = ("prospecting", "qualification", "needs_analysis", "proposal", "negotiation", "closed_won", "closed_lost")
NAMES = tuple(stage.upper() for stage in STAGES)
POSITIONS = {stage: position for position, stage in enumerate(STAGES)}

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=1073741824", "temp_store=MEMORY")

LIST = """SELECT o.id, o.name, o.account_id, a.name, o.value_cents, o.stage, o.probability, o.close_date, o.assigned_to_id, o.source,
o.created_at, o.updated_at FROM opportunity o LEFT JOIN account a ON a.workspace_id = o.workspace_id AND a.id = o.account_id
WHERE o.workspace_id = ?{} ORDER BY o.created_at DESC, o.id DESC LIMIT ? OFFSET ?"""
COUNT = "SELECT count(*) FROM opportunity o WHERE o.workspace_id = ?{}"
DETAIL = """SELECT o.id, o.name, o.account_id, a.name, o.value_cents, o.stage, o.probability, o.close_date, o.closed_date, o.loss_reason,
o.assigned_to_id, u.name, o.source, o.description, o.created_at, o.updated_at FROM opportunity o
LEFT JOIN account a ON a.workspace_id = o.workspace_id AND a.id = o.account_id
LEFT JOIN user u ON u.workspace_id = o.workspace_id AND u.id = o.assigned_to_id WHERE o.workspace_id = ? AND o.id = ?"""
LINKS = "SELECT contact_id FROM opportunity_contact WHERE workspace_id = ? AND opportunity_id = ? ORDER BY position"
PATCH = """UPDATE opportunity SET stage = ?, probability = ?, updated_at = ?, version = version + 1
WHERE workspace_id = ? AND id = ?"""
INSERT = """INSERT INTO opportunity (workspace_id, id, name, name_folded, account_id, value_cents, stage, probability, probability_manual,
close_date, assigned_to_id, source, source_folded, description, stage_since, created_at, updated_at, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, 1)"""
LINK = "INSERT INTO opportunity_contact (workspace_id, opportunity_id, position, contact_id) VALUES (?, ?, ?, ?)"
DEALS = """SELECT o.id, o.name, o.value_cents, o.stage, o.probability, o.close_date, a.id, a.name, u.id, u.name, o.created_at
FROM opportunity o LEFT JOIN account a ON a.workspace_id = o.workspace_id AND a.id = o.account_id
LEFT JOIN user u ON u.workspace_id = o.workspace_id AND u.id = o.assigned_to_id
WHERE o.workspace_id = ? AND o.stage = ? ORDER BY o.created_at DESC, o.id DESC LIMIT ?"""
DEAL = DEALS.replace("o.stage = ? ORDER BY o.created_at DESC, o.id DESC LIMIT ?", "o.id = ?")
CONTACTS = """SELECT l.opportunity_id, c.id, c.email FROM opportunity_contact l
JOIN contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id
WHERE l.workspace_id = ? AND l.opportunity_id IN ({}) ORDER BY l.opportunity_id, l.position"""


def connect(path: str) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def money(cents: int | None) -> float | None:
    if cents is None:
        return None
    return cents // 100 if cents % 100 == 0 else cents / 100


def conditions(parameters: Mapping[str, str]) -> tuple[str, list[Any]]:
    """The WHERE terms of the parameters that the floor knows, and their values.

    SQLite takes no index for a term with a plus before it: a page is read in its order until it is full, instead of sorting all that match.
    """
    text, values = "", []
    if "stage" in parameters:
        text, values = text + " AND o.stage = ?", [*values, POSITIONS[parameters["stage"]]]
    if "valueMin" in parameters:
        text, values = text + " AND +o.value_cents >= ?", [*values, round(float(parameters["valueMin"]) * 100)]
    if "closeDateAfter" in parameters:
        text, values = text + " AND +o.close_date >= ?", [*values, parameters["closeDateAfter"]]
    return text, values


def counted(where: str) -> str:
    """The count of all that match, by whatever index."""
    return COUNT.format(where.replace("+o.", "o."))


def item(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, name, account_id, account, cents, stage, probability, close_date, owner_id, source, created, updated = row
    return {
        "id": id_,
        "name": name,
        "accountId": account_id,
        "accountName": account,
        "value": money(cents),
        "stage": STAGES[stage],
        "probability": probability,
        "closeDate": close_date,
        "assignedTo": owner_id,
        "source": source,
        "createdAt": created,
        "updatedAt": updated,
    }


def full(row: tuple[Any, ...], contacts: list[str]) -> dict[str, Any]:
    """A detail's row and its contacts as REST shows them."""
    (id_, name, account_id, account, cents, stage, probability, close, closed, reason, owner_id, owner, source, text, created, updated) = (
        row
    )
    return {
        "id": id_,
        "name": name,
        "accountId": account_id,
        "accountName": account,
        "value": money(cents),
        "stage": STAGES[stage],
        "probability": probability,
        "closeDate": close,
        "closedDate": closed,
        "lossReason": reason,
        "assignedTo": owner_id,
        "assignedToName": owner,
        "source": source,
        "contactIds": contacts,
        "description": text,
        "createdAt": created,
        "updatedAt": updated,
    }


def page(rows: list[tuple[Any, ...]], count: int, address: str, parameters: Mapping[str, str]) -> bytes:
    """The envelope of a list; `address` is the list's own, without a query."""
    limit, number = int(parameters["limit"]), int(parameters.get("page", "1"))
    kept = "&".join(f"{key}={value}" for key, value in parameters.items() if key != "page")
    envelope = {
        "count": count,
        "next": f"{address}?{kept}&page={number + 1}" if number * limit < count else None,
        "previous": f"{address}?{kept}&page={number - 1}" if number > 1 else None,
        "results": [item(row) for row in rows],
    }
    return orjson.dumps(envelope)


def node(row: tuple[Any, ...], contacts: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of `DEALS` as GraphQL shows it."""
    id_, name, cents, stage, probability, close_date, account_id, account, owner_id, owner, _ = row
    return {
        "id": id_,
        "name": name,
        "value": money(cents),
        "stage": NAMES[stage],
        "probability": probability,
        "closeDate": close_date,
        "account": {"id": account_id, "name": account},
        "assignedTo": None if owner_id is None else {"id": owner_id, "name": owner},
        "contacts": contacts,
    }


def connection_of(rows: list[tuple[Any, ...]], contacts: Mapping[str, list[dict[str, Any]]], count: int, first: int) -> bytes:
    """A Relay connection of `first` rows, of which one more was read to see whether there are more."""
    shown = rows[:first]
    edges = [{"cursor": cursor(row[10], row[0]), "node": node(row, contacts.get(row[0], []))} for row in shown]
    info = {"hasNextPage": len(rows) > first, "endCursor": edges[-1]["cursor"] if edges else None}
    return orjson.dumps({"data": {"opportunities": {"edges": edges, "pageInfo": info, "totalCount": count}}})


def created(workspace: str, id_: str, new: Mapping[str, Any], at: str) -> tuple[Any, ...]:
    """The values of INSERT."""
    who = (workspace, id_, new["name"], new["name"].casefold(), new["accountId"])
    what = (round(new["value"] * 100), POSITIONS[new["stage"]], new["probability"], new["closeDate"], new["assignedTo"])
    return (*who, *what, new["source"], new["source"].casefold(), new["description"], at, at, at)


def cursor(at: str, id_: str) -> str:
    return urlsafe_b64encode(orjson.dumps((at, id_))).decode()


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Floor:
    """The seven workloads on one connection."""

    def __init__(self, path: str, workspace: str) -> None:
        self.run = connect(path).execute
        self.workspace = workspace

    def list(self, address: str, parameters: Mapping[str, str]) -> bytes:
        """W1 and W2."""
        where, values = conditions(parameters)
        limit, number = int(parameters["limit"]), int(parameters.get("page", "1"))
        rows = self.run(LIST.format(where), [self.workspace, *values, limit, (number - 1) * limit]).fetchall()
        (count,) = self.run(counted(where), [self.workspace, *values]).fetchone()
        return page(rows, count, address, parameters)

    def detail(self, id_: str) -> bytes | None:
        """W3."""
        row = self.run(DETAIL, (self.workspace, id_)).fetchone()
        if row is None:
            return None
        return orjson.dumps(full(row, [link[0] for link in self.run(LINKS, (self.workspace, id_))]))

    def patch(self, id_: str, body: bytes) -> bytes | None:
        """W4: stage and probability."""
        change = orjson.loads(body)
        self.run("BEGIN IMMEDIATE")
        self.run(PATCH, (POSITIONS[change["stage"]], change["probability"], now(), self.workspace, id_))
        answer = self.detail(id_)
        self.run("COMMIT")
        return answer

    def create(self, body: bytes) -> bytes | None:
        """W5."""
        new, id_ = orjson.loads(body), f"opp_{ULID()}"
        self.run("BEGIN IMMEDIATE")
        self.run(INSERT, created(self.workspace, id_, new, now()))
        for position, contact in enumerate(new["contactIds"]):
            self.run(LINK, (self.workspace, id_, position, contact))
        answer = self.detail(id_)
        self.run("COMMIT")
        return answer

    def deals(self, stage: str, first: int) -> bytes:
        """W6."""
        position = NAMES.index(stage)
        rows = self.run(DEALS, (self.workspace, position, first + 1)).fetchall()
        (count,) = self.run(counted(" AND o.stage = ?"), (self.workspace, position)).fetchone()
        return connection_of(rows, self._contacts([row[0] for row in rows[:first]]), count, first)

    def deal(self, id_: str) -> bytes:
        """W7."""
        row = self.run(DEAL, (self.workspace, id_)).fetchone()
        return orjson.dumps({"data": {"opportunity": row and node(row, self._contacts([id_]).get(id_, []))}})

    def _contacts(self, ids: "list[str]") -> dict[str, "list[dict[str, Any]]"]:
        found: dict[str, list[dict[str, Any]]] = {}
        for opportunity_id, id_, email in self.run(CONTACTS.format(",".join("?" * len(ids))), (self.workspace, *ids)):
            found.setdefault(opportunity_id, []).append({"id": id_, "email": email})
        return found
