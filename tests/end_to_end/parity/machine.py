"""REST and GraphQL driven at random against one model: each step by either door, and after each the whole of it read by both."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.end_to_end.parity import drawn
from tests.end_to_end.parity.doors import BASE, ITEMS, KEYS, Foretold, Told, target
from tests.end_to_end.parity.meant import Write
from tests.end_to_end.parity.model import Body, Refusal, Row, changes
from tests.end_to_end.parity.writes import Writes


class Parity(Writes):
    """The rules that read, and what must hold after every step."""

    @rule(kind=drawn.kinds, query=drawn.queries, paging=drawn.pagings, fields=drawn.fields, array=drawn.arrays)
    def list_page(self, kind: str, query: Mapping[str, Any], paging: Mapping[str, int], fields: list[str] | None, array: str) -> None:
        """A page by REST's parameters, by GraphQL's own arguments, and by the model."""
        asked = self._asked(kind, query)
        limit = paging.get("limit", 20)
        offset = paging.get("offset", (paging.get("page", 1) - 1) * limit)
        rows = self.model.listed(kind, asked)
        found = self.doors.page(kind, asked, limit, offset)
        assert found == (len(rows), [self.told(kind, row) for row in rows[offset : offset + limit]])
        shown = [name for name in ITEMS[kind] if fields is None or name in fields] or ITEMS[kind]
        extra = {"fields": shown[::-1]} if fields and shown != ITEMS[kind] else {}
        self._list_by_rest(target(kind, {**asked, **paging, **extra}, array), kind, shown, rows, (limit, offset))

    @rule(kind=drawn.kinds, query=drawn.queries, paging=drawn.pagings)
    def query_page(self, kind: str, query: Mapping[str, Any], paging: Mapping[str, int]) -> None:
        """A page by the method QUERY: what the same parameters give in an address."""
        asked = self._asked(kind, query)
        said = self.doors.rest("QUERY", f"/api/{kind}/", {**asked, **paging})
        wanted = self.doors.rest("GET", target(kind, {**asked, **paging}))
        self.counts[f"queries: {said.status}"] += 1
        assert (said.status, said.code) == (wanted.status, wanted.code)
        if said.status == 200:
            assert {**said.body, "next": None, "previous": None} == {**wanted.body, "next": None, "previous": None}
            for link in ("next", "previous"):
                self._same_page(said.body[link], wanted.body[link])

    def _asked(self, kind: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """What of the drawn parameters a list has; contacts are asked for by one account."""
        asked = {name: value for name, value in self._filters(query).items() if name in drawn.KNOWN[kind]}
        return asked | {"accountId": asked["accountId"][:1]} if kind == "contacts" and "accountId" in asked else asked

    def _same_page(self, link: str | None, other: str | None) -> None:
        assert (link is None) == (other is None)
        if link and other:
            pages = [self.doors.rest("GET", one.removeprefix(BASE)).body["results"] for one in (link, other)]
            assert pages[0] == pages[1]

    def _filters(self, query: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(query)
        for name, kind in (("accountId", "accounts"), ("assignedTo", "users")):
            if name in found:
                found[name] = [self.pick(kind, number) for number in found[name]]
        return found

    def _list_by_rest(self, address: str, kind: str, shown: list[str], rows: list[Row], span: tuple[int, int]) -> None:
        limit, offset = span
        said = self.doors.rest("GET", address)
        if "page=" in address and offset >= len(rows) and offset:
            self.counts["pages past the end"] += 1
            assert (said.status, said.code) == (404, "not_found")
            return
        assert said.status == 200, said
        assert said.headers
        self.counts[f"lists of {kind}"] += 1
        assert said.body["results"] == ([self.model.shown(row, shown) for row in rows[offset : offset + limit]])
        assert [*map(list, said.body["results"])] == [shown] * len(said.body["results"])
        assert said.body["count"] == len(rows)
        page, after = rows[offset : offset + limit], rows[offset + limit : offset + 2 * limit]
        self._link(said.body["next"], address, offset + limit if after else None, [self.model.shown(row, shown) for row in after])
        start = max(0, offset - limit)
        start = start if start < len(rows) else (len(rows) - 1) // limit * limit
        before = rows[start:offset] if page else rows[start : start + limit]
        self._link(said.body["previous"], address, start if offset and rows else None, [self.model.shown(row, shown) for row in before])
        self.lists[address] = (said.headers["etag"], self.model.changes)

    def _link(self, link: str | None, address: str, offset: int | None, rows: list[Row]) -> None:
        """A link keeps the parameters, names the page by its number, and leads to the rows beside the page."""
        assert (link is None) == (offset is None)
        if link is None or offset is None:
            return
        assert link.startswith(BASE + address.partition("?")[0])
        kept = parse_qsl(urlsplit(address).query)
        named = [(name, value) for name, value in parse_qsl(urlsplit(link).query) if name not in {"after", "before"}]
        limit = int(dict(kept).get("limit", "20"))
        place = ("offset", offset) if "offset=" in address else ("page", offset // limit + 1)
        assert named == [*((name, value) for name, value in kept if name not in {"page", "offset"}), (place[0], str(place[1]))]
        self.counts["links followed"] += 1
        assert self.doors.rest("GET", link.removeprefix(BASE)).body["results"] == rows

    @rule(number=drawn.numbers)
    def list_again(self, number: int) -> None:
        """A list's tag holds exactly as long as nothing in the workspace has changed."""
        if not self.lists:
            return
        address = sorted(self.lists)[number % len(self.lists)]
        tag, changes = self.lists[address]
        said = self.doors.rest("GET", address, headers={"if-none-match": tag})
        self.counts[f"lists again: {said.status}"] += 1
        if changes == self.model.changes:
            assert (said.status, said.body) == (304, None)
        else:
            assert said.status in {200, 404}

    @rule(number=drawn.numbers)
    def read_again(self, number: int) -> None:
        """A record's tag holds exactly as long as what is shown of it, and its version."""
        if not self.tags:
            return
        address = sorted(self.tags)[number % len(self.tags)]
        tag, body, version = self.tags[address]
        _, _, kind, id_, _ = address.split("/")
        said = self.doors.rest("GET", address, headers={"if-none-match": tag})
        row = self.model.rows.get(id_)
        same = row is not None and (self.model.shown(row, KEYS[kind]), row["version"]) == (body, version)
        self.counts[f"records again: {said.status}"] += 1
        assert said.status == (304 if same else 200 if row else 404)

    @rule(number=drawn.numbers, kind=drawn.kinds, fields=drawn.fields)
    def read(self, number: int, kind: str, fields: list[str] | None) -> None:
        id_ = self.pick(kind, number)
        row = self.model.rows.get(id_)
        shown = [name for name in KEYS[kind] if fields is None or name in fields] or KEYS[kind]
        said = self.doors.rest("GET", f"/api/{kind}/{id_}/?fields={','.join(shown)}")
        node = self.doors.get(kind, id_)
        if row is None:
            assert (said.status, node) == (404, None)
            return
        assert said.body == self.model.shown(row, shown)
        assert node == self.told(kind, row)
        assert list(said.body) == shown

    @rule(number=drawn.numbers, kind=drawn.kinds, query=drawn.queries)
    def look_limited(self, number: int, kind: str, query: Mapping[str, Any]) -> None:
        """Who is limited to an account sees what belongs to it by both doors, finds nothing else, and changes nothing."""
        account = self.pick("accounts", number)
        if account not in self.model.rows:
            return
        if account not in self.keys:
            self.keys[account] = self.doors.limited(account)
            self.model.limit(account)
        asked = self._asked(kind, query)
        rows = self.model.listed(kind, asked, account)
        self.counts["looks by limited viewers"] += 1
        with self.doors.by(self.keys[account]):
            assert self.doors.page(kind, asked, 100, 0) == (len(rows), [self.told(kind, row) for row in rows])
            said = self.doors.rest("GET", target(kind, {**asked, "limit": 100}))
            assert said.body["results"] == [self.model.shown(row, ITEMS[kind]) for row in rows]
            id_ = self.pick(kind, number // 7)
            row = self.model.rows.get(id_)
            there = row is not None and self.model.sees(row, account)
            assert self.doors.get(kind, id_) == (self.told(kind, self.model.seen(row, account)) if there and row else None)
            assert self.doors.rest("GET", f"/api/{kind}/{id_}/").status == (200 if there else 404)
            assert self.doors.rest("DELETE", f"/api/{kind}/{id_}/").status == 403

    @rule(number=drawn.numbers, body=drawn.deals, whole=st.booleans())
    def preview(self, number: int, body: Body, whole: bool) -> None:  # noqa: FBT001  as drawn
        """A preview tells what the same update would change, or what would stop it, and writes nothing."""
        id_ = self.pick("opportunities", number)
        meant = Write("graphql", "opportunities", "update", id_, self.resolved(body), whole=whole)
        self.counts["previews"] += 1
        assert self.doors.preview(meant) == self._foretold(meant)

    def _foretold(self, meant: Write) -> Foretold:
        """What an update would change, or what stops it."""
        try:
            row = self.model.find("opportunities", meant.id)
            after = self.model.changed_deal(row, meant.body or {}, self.clock.now()[:10], whole=meant.is_whole)
        except Refusal as refusal:
            return refusal.code, refusal.faults
        return changes(row, {**row, **after})

    def told(self, kind: str, row: Row) -> Told:
        """A record as GraphQL tells it: in REST's shape, with its version and the stages that it has been in."""
        return self.model.shown(row, KEYS[kind]), row["version"], self.history.get(row["id"])

    @invariant()
    def both_doors_hold_the_model(self) -> None:
        """All there is, by both doors, whole."""
        self.counts["comparisons"] += 1
        for kind in ("opportunities", "accounts", "contacts"):
            rows = self.model.listed(kind, {})
            assert self.doors.page(kind, {}, 100, 0) == (len(rows), [self.told(kind, row) for row in rows])
            said = self.doors.rest("GET", f"/api/{kind}/?limit=100")
            assert said.body["results"] == [self.model.shown(row, ITEMS[kind]) for row in rows]
            assert said.body["count"] == len(rows)
