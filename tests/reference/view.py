"""What one caller sees: the records of the workspace, and of those, for a viewer limited to an account, what belongs to the account."""

from typing import Any

from schema.rules.access import Caller
from tests.reference.rows import Record, Rows, snake


class View:
    """The records that a caller sees, and the ways from one to another."""

    def __init__(self, rows: Rows, caller: Caller, now: str) -> None:
        self.caller = caller
        self.now = now
        self._rows = rows
        self._seen: dict[str, list[Record]] = {}
        self._by_id: dict[str, dict[Any, Record]] = {}
        self._below: dict[tuple[str, str], dict[Any, list[Record]]] = {}

    def all(self, type_name: str) -> list[Record]:
        """Every record of a type that the caller sees, in no order."""
        if type_name not in self._seen:
            here = [record for record in self._rows.records[type_name] if record.workspace == self.caller.workspace_id]
            self._seen[type_name] = [record for record in here if self.caller.account_id is None or self._of_account(record)]
        return self._seen[type_name]

    def one(self, type_name: str, id_: str | None) -> Record | None:
        """The record with this id; None where the caller doesn't see it."""
        if type_name not in self._by_id:
            self._by_id[type_name] = {record["id"]: record for record in self.all(type_name)}
        return self._by_id[type_name].get(id_)

    def refer(self, record: Record, name: str) -> Record | None:
        """The record that a field of another refers to; None where there is none, or where the caller doesn't see it."""
        type_name = {"assigned_to": "User", "by": "User", "by_key": "ApiKey", "api_key": "ApiKey"}.get(snake(name), name.capitalize())
        return self.one(type_name, record[f"{snake(name)}_id"])

    def node(self, id_: str) -> Record | None:
        """The record of any type with this id. A limited viewer meets keys as actors, and none by its id; nobody finds audit entries so."""
        hidden = {"AuditEntry", "ApiKey"} if self.caller.account_id is not None else {"AuditEntry"}
        types = [name for name, records in self._rows.records.items() if name not in hidden and records and "id" in records[0].values]
        return next((found for name in types if (found := self.one(name, id_)) is not None), None)

    def below(self, record: Record, type_name: str) -> list[Record]:
        """The records of a type that refer to `record`, or that are linked with it, in the order of the links."""
        relation = record.type, type_name
        if relation not in self._below:
            self._below[relation] = self._related(*relation)
        return self._below[relation].get(record["id"], [])

    def _related(self, type_name: str, below: str) -> dict[Any, list[Record]]:
        column, found = f"{snake(type_name)}_id", dict[Any, list[Record]]()
        linked = {type_name, below} == {"Opportunity", "Contact"}
        for row in sorted(self._rows.links, key=lambda link: link["position"]) if linked else self.all(below):
            other = self.one(below, row[f"{snake(below)}_id"]) if linked else row
            if other is not None and row.workspace == self.caller.workspace_id:
                found.setdefault(row[column], []).append(other)
        return found

    def _of_account(self, record: Record) -> bool:
        """Whether a viewer limited to an account sees a record of the workspace."""
        if record.type == "Account":
            return bool(record["id"] == self.caller.account_id)
        if record.type in {"Opportunity", "Contact"}:
            return bool(record["account_id"] == self.caller.account_id)
        owners = {deal["assigned_to_id"] for deal in self.all("Opportunity")}
        return record.type != "User" or record["id"] == self.caller.user_id or record["id"] in owners
