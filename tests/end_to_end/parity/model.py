"""What the gateway should hold and say, written a second time from the documents alone: plain Python, one workspace, no database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

Body = Mapping[str, Any]
Faults = set[tuple[str, str]]
Row = dict[str, Any]

STAGES = {
    "prospecting": 10,
    "qualification": 20,
    "needs_analysis": 40,
    "proposal": 60,
    "negotiation": 80,
    "closed_won": 100,
    "closed_lost": 0,
}
PIPELINE = list(STAGES)
CLOSED = {"closed_won", "closed_lost"}
DETAIL = [
    "id",
    "name",
    "accountId",
    "accountName",
    "value",
    "stage",
    "probability",
    "closeDate",
    "closedDate",
    "lossReason",
    "assignedTo",
    "assignedToName",
    "source",
    "contactIds",
    "description",
    "createdAt",
    "updatedAt",
]
LISTED = [
    "id",
    "name",
    "accountId",
    "accountName",
    "value",
    "stage",
    "probability",
    "closeDate",
    "assignedTo",
    "source",
    "createdAt",
    "updatedAt",
]
ACCOUNT = ["id", "name", "website", "industry", "createdAt", "updatedAt"]
CONTACT = ["id", "firstName", "lastName", "name", "email", "phone", "title", "accountId", "accountName", "createdAt", "updatedAt"]
BLANKS = " \t\n\u00a0\u200b\ufeff"
READ_ONLY = {"id", "accountName", "assignedToName", "createdAt", "updatedAt"}
WRITABLE = {name for name in DETAIL if name not in READ_ONLY}
KEPT = {"name", "accountId", "stage", "probability"}
OPTIONAL_TEXT = {"lossReason", "source", "description", "website", "industry", "firstName", "lastName", "phone", "title"}
LONGEST = {
    "name": 200,
    "source": 100,
    "lossReason": 500,
    "description": 10_000,
    "website": 500,
    "industry": 100,
    "phone": 100,
    "title": 200,
}


class Refusal(Exception):
    """A write that must not happen: the code of the whole, or the faults of its body as (REST name, code)."""

    def __init__(self, code: str, faults: Faults | None = None) -> None:
        super().__init__(code, faults)
        self.code = code
        self.faults = faults or set()


@dataclass
class Model:
    """The records by id, in the order of their creation, and how many changes were committed."""

    rows: dict[str, Row] = field(default_factory=dict)
    changes: int = 0
    limiting: set[str] = field(default_factory=set)
    """The accounts that a key is limited to."""

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows.values() if row["kind"] == kind]

    def find(self, kind: str, id_: str, version: int | None = None) -> Row:
        """A record, at the version that the caller expects. Raises Refusal."""
        row = self.rows.get(id_)
        if row is None or row["kind"] != kind:
            raise Refusal("not_found")
        if version is not None and version != row["version"]:
            raise Refusal("precondition_failed")
        return row

    def put(self, kind: str, id_: str, values: Row, now: str) -> None:
        """A new record, committed."""
        self.rows[id_] = {"kind": kind, "id": id_, "version": 1, "createdAt": now, "updatedAt": now, **values}
        self.changes += 1

    def limit(self, account: str) -> None:
        """A key that sees one account alone, committed."""
        self.limiting.add(account)
        self.changes += 1

    def change(self, row: Row, values: Row, now: str) -> None:
        """A record changed, if that changes anything."""
        if any(row[name] != value for name, value in values.items()):
            row |= values | {"version": row["version"] + 1, "updatedAt": now}
            self.changes += 1

    # --- what a body means

    def new_deal(self, body: Body, today: str) -> Row:
        """The deal that a body creates. Raises Refusal."""
        values, faults = self._values({name: value for name, value in body.items() if value is not None}, {}, whole=False)
        values = {"stage": "prospecting"} | values
        after = dict.fromkeys(DETAIL[1:15]) | {"contactIds": [], "by_hand": False} | values
        faults |= self._rules(after, values, None, today) | self._references(values)
        if faults:
            raise Refusal("validation_error", faults)
        return {name: value for name, value in after.items() if name not in {"accountName", "assignedToName"}}

    def changed_deal(self, row: Row, body: Body, today: str, *, whole: bool) -> Row:
        """The values that a body (`whole`: the object sent back) gives a deal, its own and those by the stage rules. Raises Refusal."""
        values, faults = self._values(body, row, whole=whole)
        after = row | values
        faults |= self._rules(after, values, row, today) | self._references(values)
        if faults:
            raise Refusal("validation_error", faults)
        return {name: after[name] for name in row if name not in {"version", "updatedAt"}}

    def _values(self, body: Body, row: Row, *, whole: bool) -> tuple[Row, Faults]:
        """What a body names, and what is wrong with it. What says nothing new is left out where nobody meant it."""
        values: Row = {}
        faults: Faults = set()
        for name, given in body.items():
            value = given.strip(BLANKS) if name == "name" and given is not None else _shown_text(name, given)
            value = [] if name == "contactIds" and value is None else value
            found = self._broken(name, value)
            if name in row and row[name] == value and (found or whole or value is None):
                continue
            faults |= found
            if not found:
                values[name] = value
        return values, faults

    def _broken(self, name: str, value: Any) -> Faults:
        if value is None:
            return {(name, "validation_error")} if name in KEPT else set()
        if name == "contactIds":
            return {(f"contactIds.{place}", "validation_error") for place, one in enumerate(value) if one in value[:place]}
        bad = (
            (name == "name" and not value)
            or (name in LONGEST and len(value) > LONGEST[name])
            or (name == "value" and value < 0)
            or (name == "probability" and not 0 <= value <= 100)
        )
        return {(name, "validation_error")} if bad else set()

    def _references(self, values: Row) -> Faults:
        faults = set()
        for name, kind in (("accountId", "accounts"), ("assignedTo", "users")):
            if values.get(name) is not None and self.rows.get(values[name], {}).get("kind") != kind:
                faults.add((name, "not_found"))
        for place, one in enumerate(values.get("contactIds", ())):
            if self.rows.get(one, {}).get("kind") != "contacts":
                faults.add((f"contactIds.{place}", "not_found"))
        return faults

    @staticmethod
    def _rules(after: Row, values: Row, before: Row | None, today: str) -> Faults:
        """The stage rules: mends `after`, and tells what they refuse."""
        old, new = before and before["stage"], after["stage"]
        closing = new in CLOSED and new != old
        if "probability" in values:
            if new not in CLOSED or closing or before is None or values["probability"] != before["probability"]:
                after["by_hand"] = not closing
        elif new != old and (closing or old in CLOSED or not after["by_hand"]):
            after |= {"probability": STAGES[new], "by_hand": False}
        faults: Faults = set()
        for name, allowed in (("closedDate", new in CLOSED), ("lossReason", new == "closed_lost")):
            if not allowed:
                if values.get(name) is not None and (before is None or before[name] != values[name]):
                    faults.add((name, "validation_error"))
                after[name] = None
        if closing and "closedDate" not in values:
            after["closedDate"] = today
        if new in CLOSED and "closedDate" in values and values["closedDate"] is None:
            faults.add(("closedDate", "validation_error"))
        return faults

    def person(self, kind: str, body: Body, row: Row | None = None) -> Row:
        """The values that a body gives an account or a contact. Raises Refusal."""
        keys = ("name", "website", "industry") if kind == "accounts" else ("firstName", "lastName", "email", "phone", "title", "accountId")
        after = {name: (row or {}).get(name) for name in keys} | {name: _shown_text(name, value) for name, value in body.items()}
        faults = self._references({name: value for name, value in body.items() if name == "accountId"})
        if kind == "accounts":
            after["name"] = (after["name"] or "").strip(BLANKS)
            faults |= set() if after["name"] else {("name", "validation_error")}
        else:
            faults |= set() if after["firstName"] or after["lastName"] else {("firstName", "validation_error")}
            others = [other for other in self.of("contacts") if other is not row]
            taken = {other["email"].casefold() for other in others}
            faults |= {("email", "conflict")} if after["email"].casefold() in taken else set()
        if faults:
            raise Refusal("validation_error", faults)
        return after

    def removed(self, kind: str, row: Row, now: str) -> None:
        """A record goes, and what that means to others. Raises Refusal."""
        held = row["id"] in self.limiting or any(deal["accountId"] == row["id"] for deal in self.of("opportunities"))
        if kind == "accounts" and held:
            raise Refusal("conflict")
        del self.rows[row["id"]]
        self.changes += 1
        for other in self.rows.values():
            if kind == "contacts" and row["id"] in other.get("contactIds", ()):
                self.change(other, {"contactIds": [one for one in other["contactIds"] if one != row["id"]]}, now)
            if kind == "accounts" and other["kind"] == "contacts" and other["accountId"] == row["id"]:
                self.change(other, {"accountId": None}, now)

    # --- what is shown

    def shown(self, row: Row, names: list[str]) -> Row:
        """A record as REST shows it."""
        account, owner = self.rows.get(row.get("accountId") or ""), self.rows.get(row.get("assignedTo") or "")
        full = row | {"accountName": account and account["name"], "assignedToName": owner and owner["name"]}
        if row["kind"] == "contacts":
            full["name"] = " ".join(part for part in (row["firstName"], row["lastName"]) if part)
        return {name: full[name] for name in names}

    def sees(self, row: Row | None, account: str | None) -> bool:
        """Whether a caller that is limited to an account sees a record; None sees all."""
        if row is None or account is None:
            return row is not None
        if row["kind"] == "users":
            return any(deal["assignedTo"] == row["id"] and deal["accountId"] == account for deal in self.of("opportunities"))
        return bool(row["id" if row["kind"] == "accounts" else "accountId"] == account)

    def seen(self, row: Row, account: str | None) -> Row:
        """A record as a caller limited to an account meets it: without contacts out of its sight."""
        if "contactIds" not in row:
            return row
        return row | {"contactIds": [one for one in row["contactIds"] if self.sees(self.rows[one], account)]}

    def listed(self, kind: str, query: Mapping[str, Any], account: str | None = None) -> list[Row]:
        """All records that a list's parameters find, in order; those that a caller limited to an account sees."""
        rows = [
            self.seen(row, account)
            for row in self.of(kind)
            if self.sees(row, account) and all(_FILTERS[name](self, row, wanted) for name, wanted in query.items() if name in _FILTERS)
        ]
        terms = [(term.lstrip("-"), term[0] == "-") for term in query.get("ordering", ())] or [("createdAt", True)]
        rows.sort(key=lambda row: row["id"], reverse=terms[0][1])
        for name, descending in reversed(terms):
            there = [row for row in rows if row[name] is not None]
            there.sort(key=lambda row: _ORDERS.get(name, lambda value: value)(row[name]), reverse=descending)
            rows = there + [row for row in rows if row[name] is None]
        return rows


def changes(before: Row, after: Row) -> dict[str, tuple[Any, Any]]:
    """What a preview tells of a change: each field that differs, as text before and after."""
    names = {**{name: name for name in WRITABLE}, "by_hand": "probabilitySource"}
    return {names[name]: (_text(before[name]), _text(after[name])) for name in names if before[name] != after[name]}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else ("STAGE_DEFAULT", "MANUAL")[value]
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return value.upper() if value in STAGES else str(value)


def _shown_text(name: str, value: Any) -> Any:
    """Text of which nothing shows is nothing, where there may be none."""
    return None if name in OPTIONAL_TEXT and value is not None and not value.strip(BLANKS) else value


def _found(model: Model, row: Row, wanted: str) -> bool:
    name = model.shown(row, ["name"])["name"]
    text = f"{name}\n{row['email']}" if row["kind"] == "contacts" else name
    return _folded(wanted.strip(BLANKS)) in _folded(text)


def _folded(text: str) -> str:
    return normalize("NFKC", normalize("NFKC", text).casefold())


_ORDERS: dict[str, Callable[[Any], Any]] = {"name": _folded, "stage": PIPELINE.index}
_FILTERS: dict[str, Callable[[Model, Row, Any], bool]] = {
    "stage": lambda _, row, wanted: row["stage"] in wanted,
    "accountId": lambda _, row, wanted: row["accountId"] in wanted,
    "assignedTo": lambda _, row, wanted: row["assignedTo"] in wanted,
    "closeDateAfter": lambda _, row, wanted: row["closeDate"] is not None and row["closeDate"] >= wanted[:10],
    "closeDateBefore": lambda _, row, wanted: row["closeDate"] is not None and row["closeDate"] <= wanted[:10],
    "valueMin": lambda _, row, wanted: row["value"] is not None and row["value"] >= wanted,
    "valueMax": lambda _, row, wanted: row["value"] is not None and row["value"] <= wanted,
    "search": _found,
}
