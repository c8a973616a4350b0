"""Writes by either door, each foretold by the model; a refusal must be said alike by both."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from rest_compat.errors import STATUS
from tests.end_to_end.parity import drawn
from tests.end_to_end.parity.clock import Clock
from tests.end_to_end.parity.doors import BASE, KEYS, Doors, Said
from tests.end_to_end.parity.meant import Write, respelled
from tests.end_to_end.parity.model import DETAIL, READ_ONLY, WRITABLE, Body, Model, Refusal, Row

DAY = 86_400
NOTHING = {"opportunities": "opp_nowhere", "accounts": "acc_nowhere", "contacts": "cnt_nowhere", "users": "usr_nowhere"}
OPTIONAL = {
    "opportunities": ["value", "closeDate", "source", "contactIds", "description"],
    "accounts": ["website", "industry"],
    "contacts": ["phone", "title", "accountId"],
}
"""Keys that say nothing when they are null in a new record."""
SUCCESS = {"create": 201, "update": 200, "delete": 204}
METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}


class Writes(RuleBasedStateMachine):
    """A workspace, its model, what clients remember of it, and the rules that write."""

    doors: ClassVar[Doors]
    clock: ClassVar[Clock]
    counts: ClassVar[Counter[str]] = Counter()
    _names: ClassVar[Any] = count()

    def __init__(self) -> None:
        super().__init__()
        self.counts["walks"] += 1
        self.model = Model()
        self.kept: dict[str, tuple[Write, Said, int]] = {}
        self.lists: dict[str, tuple[str, int]] = {}
        self.tags: dict[str, tuple[str, Row, int]] = {}
        self.history: dict[str, list[Row]] = {}
        self.keys: dict[str, str] = {}
        self.doors.enter(f"W{next(self._names)}")
        for name in ("Alex", "Zoë"):
            id_ = self.doors.user(name, f"{name.lower()}@example.com".replace("ë", "e"))
            self.model.put("users", id_, {"name": name}, self.clock.now())
        for door, name in (("rest", "Acme"), ("graphql", "Straße & Co")):
            self.write(Write(door, "accounts", "create", body={"name": name}))
        for place, door in enumerate(("rest", "graphql", "rest")):
            self.write(Write(door, "contacts", "create", body={"firstName": f"C{place}", "email": f"c{place}@example.com"}))

    # --- what is picked

    def pick(self, kind: str, number: int) -> str:
        """The id of a record, and now and then one that nothing has."""
        rows = self.model.of(kind)
        return rows[number % len(rows)]["id"] if rows and number % 29 != 13 else NOTHING[kind]

    def resolved(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A drawn body with ids in the place of numbers."""
        found = dict(body)
        for name, kind in (("accountId", "accounts"), ("assignedTo", "users")):
            if found.get(name) is not None:
                found[name] = self.pick(kind, found[name])
        if found.get("contactIds") is not None:
            found["contactIds"] = [self.pick("contacts", number) for number in found["contactIds"]]
        return found

    def version(self, kind: str, id_: str, expecting: str) -> int | None:
        if expecting == "any":
            return None
        row = self.model.rows.get(id_)
        current = row["version"] if row and row["kind"] == kind else 1
        return current if expecting == "current" else current - 1

    # --- writing

    def write(self, write: Write) -> Said:
        """Does it by its door and in the model, and compares. A refusal changes nothing, so that both doors must say it."""
        self.counts[f"{write.verb} by {write.door}"] += 1
        if write.key is not None and self._is_kept(write.key):
            return self._again(write)
        before = self.model.changes
        try:
            then = self._in_model(write)
        except Refusal as refusal:
            self.counts[f"refused: {refusal.code}"] += 1
            self._refused_by_both(write, refusal)
            return Said()
        said = self._by_door(write)
        assert said.code is None, (write, said)
        then(said)
        self.counts[f"changed nothing by {write.door}"] += self.model.changes == before
        if write.key is not None:
            self.kept[write.key] = (write, said, self.clock.seconds)
        return said

    def _in_model(self, write: Write) -> Callable[[Said], None]:
        """What the model makes of it; the answer tells a new record's id. Raises Refusal."""
        now, kind, body = self.clock.now(), write.kind, write.body or {}
        deals = kind == "opportunities"
        if write.verb == "create":
            values = self.model.new_deal(body, now[:10]) if deals else self.model.person(kind, body)
            return lambda said: self._created(write, said, values, now)
        row = self.model.find(kind, write.id, write.seen)
        if write.verb == "delete":
            self.model.removed(kind, row, now)
            return lambda said: self._deleted(write, said)
        stage = row.get("stage")
        values = self.model.changed_deal(row, body, now[:10], whole=write.is_whole) if deals else self.model.person(kind, body, row)
        self.model.change(row, values, now)
        if row.get("stage") != stage:
            self.history[row["id"]].append({"from": stage, "to": row["stage"], "at": now})
        return lambda said: self._same(write, said)

    def _created(self, write: Write, said: Said, values: Row, now: str) -> None:
        self.model.put(write.kind, said.body["id"], values, now)
        if write.kind == "opportunities":
            self.history[said.body["id"]] = [{"from": None, "to": values["stage"], "at": now}]
        if write.door == "rest":
            assert said.headers
            assert said.headers["location"] == f"{BASE}/api/{write.kind}/{said.body['id']}/"
        self._same(write, said)

    def _same(self, write: Write, said: Said) -> None:
        row = self.model.rows[said.body["id"]]
        assert said.body == self.model.shown(row, KEYS[write.kind])
        assert (said.version, said.replayed) == (row["version"], False)
        if write.door == "rest":
            assert said.headers
            assert said.status == SUCCESS[write.verb]
            self.tags[f"/api/{write.kind}/{row['id']}/"] = (said.headers["etag"], said.body, said.version)

    def _deleted(self, write: Write, said: Said) -> None:
        assert (said.status, said.body, said.replayed) == ((204, None, False) if write.door == "rest" else (200, write.id, False))
        self.history.pop(write.id, None)

    def _by_door(self, write: Write, door: str = "") -> Said:
        if (door or write.door) == "rest":
            return self.doors.rest(METHODS[write.verb], write.path, write.sent, write.headers)
        return self.doors.write(write)

    def _refused_by_both(self, write: Write, refusal: Refusal) -> None:
        rest, graphql = (self._by_door(write, door) for door in ("rest", "graphql"))
        assert rest.status == STATUS[refusal.code.upper()], (write, rest)
        assert (rest.code, rest.faults) == (refusal.code, refusal.faults), (write, rest)
        assert (graphql.code, graphql.faults) == (refusal.code, refusal.faults), (write, graphql)
        assert rest.messages == graphql.messages

    # --- the same key again

    def _is_kept(self, key: str) -> bool:
        return key in self.kept and self.clock.seconds - self.kept[key][2] <= DAY

    def _again(self, write: Write) -> Said:
        first, answer, _ = self.kept[write.key or ""]
        said = self._by_door(write)
        if write.print == first.print:
            self.counts["replayed"] += 1
            assert said.replayed
            assert (said.body, said.version, said.status) == (answer.body, answer.version, answer.status)
        else:
            self.counts["refused: another call by the key"] += 1
            assert said.code == "validation_error", (first, write, said)
        return said

    @rule(number=drawn.numbers, other=st.booleans())
    def retry(self, number: int, other: bool) -> None:  # noqa: FBT001  as drawn
        """A client that heard no answer asks again, perhaps spelled otherwise, and by GraphQL with what its REST call becomes."""
        keys = [key for key in self.kept if self._is_kept(key)]
        if not keys:
            return
        first, answer, _ = self.kept[keys[number % len(keys)]]
        if other and first.body is not None and not first.echo:
            known = OPTIONAL.get(first.kind, [])
            first = replace(first, body=respelled(first.body, first.verb, known), nulls=not first.nulls)
        self._again(first)
        if first.door == "graphql":
            return
        target = f"/api/_graphql?method={METHODS[first.verb]}&path={first.path}"
        shown = self.doors.rest("POST", target, first.sent, first.headers).body
        data, extensions = self.doors.ask(shown["document"], shown["variables"])
        assert extensions["idempotencyReplayed"]
        (payload,) = data.values()
        assert payload["deletedId"] == first.id if first.verb == "delete" else answer.body["id"] in str(payload)

    # --- rules

    @rule(door=drawn.doors, body=drawn.new_deals, key=drawn.keys)
    def create(self, door: str, body: Body, key: str | None) -> None:
        self.write(Write(door, "opportunities", "create", body=self.resolved(body), key=key))

    @rule(door=drawn.doors, number=drawn.numbers, body=drawn.deals, expecting=drawn.expecting, key=drawn.keys, nulls=st.booleans())
    def patch(self, door: str, number: int, body: Body, expecting: str, key: str | None, nulls: bool) -> None:  # noqa: FBT001  as drawn
        id_ = self.pick("opportunities", number)
        seen = self.version("opportunities", id_, expecting)
        self.write(Write(door, "opportunities", "update", id_, self.resolved(body), seen, key, nulls=nulls))

    @rule(door=drawn.doors, number=drawn.numbers, body=drawn.deals, names=drawn.named, key=drawn.keys)
    def name_again(self, door: str, number: int, body: Body, names: list[str], key: str | None) -> None:
        """Beside what changes, some keys are sent as they are: what is named holds."""
        id_ = self.pick("opportunities", number)
        if id_ in self.model.rows:
            same = self.model.shown(self.model.rows[id_], names)
            self.write(Write(door, "opportunities", "update", id_, same | self.resolved(body), key=key))

    @rule(door=drawn.doors, number=drawn.numbers)
    def change_nothing(self, door: str, number: int) -> None:
        """The stage that a deal has, under a key: its retry must not undo what others do meanwhile."""
        id_ = self.pick("opportunities", number)
        if id_ in self.model.rows:
            stage = self.model.rows[id_]["stage"]
            self.write(Write(door, "opportunities", "update", id_, {"stage": stage}, key=f"nothing {number % 3}"))

    @rule(door=drawn.doors, number=drawn.numbers, stage=drawn.stages)
    def move(self, door: str, number: int, stage: str) -> None:
        self.write(Write(door, "opportunities", "update", self.pick("opportunities", number), {"stage": stage}))

    @rule(door=drawn.doors, number=drawn.numbers, body=drawn.deals, key=drawn.keys)
    def send_back(self, door: str, number: int, body: Body, key: str | None) -> None:
        """A client changes what it read and sends all of it: what it left alone counts as absent."""
        id_ = self.pick("opportunities", number)
        if id_ not in self.model.rows:
            return
        whole = self.model.shown(self.model.rows[id_], DETAIL) | self.resolved(body)
        writable = {name: whole[name] for name in whole if name in WRITABLE}
        echo = {name: whole[name] for name in whole if name in READ_ONLY}
        self.counts["sent back"] += 1
        self.write(Write(door, "opportunities", "update", id_, writable, key=key, whole=True, echo=echo))

    @rule(door=drawn.doors, kind=drawn.kinds, number=drawn.numbers, expecting=drawn.expecting, key=drawn.keys)
    def delete(self, door: str, kind: str, number: int, expecting: str, key: str | None) -> None:
        id_ = self.pick(kind, number)
        self.write(Write(door, kind, "delete", id_, seen=self.version(kind, id_, expecting), key=key))

    @rule(door=drawn.doors, number=drawn.numbers, body=drawn.accounts, expecting=drawn.expecting, key=drawn.keys)
    def account(self, door: str, number: int, body: Body, expecting: str, key: str | None) -> None:
        self._person(Write(door, "accounts", "update", body=body, key=key), number, expecting)

    @rule(door=drawn.doors, number=drawn.numbers, body=drawn.contacts, expecting=drawn.expecting, key=drawn.keys)
    def contact(self, door: str, number: int, body: Body, expecting: str, key: str | None) -> None:
        self._person(Write(door, "contacts", "update", body=self.resolved(body), key=key), number, expecting)

    def _person(self, write: Write, number: int, expecting: str) -> None:
        if number % 3 == 0:
            self.write(replace(write, verb="create"))
            return
        id_ = self.pick(write.kind, number)
        changes = {name: value for name, value in (write.body or {}).items() if name != "email"}
        self.write(replace(write, id=id_, body=changes, seen=self.version(write.kind, id_, expecting)))

    @rule(number=drawn.numbers, name=st.sampled_from(["Alex", "Zoë", "Ωmega"]))
    def rename_user(self, number: int, name: str) -> None:
        row = self.model.of("users")[number % 2]
        self.doors.rename_user(row["id"], name)
        self.model.change(row, {"name": name}, self.clock.now())

    @rule(seconds=drawn.waits)
    def wait(self, seconds: int) -> None:
        self.clock.seconds += seconds
