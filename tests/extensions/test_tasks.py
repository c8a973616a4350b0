"""examples/tasks, as it stands there: a noun of a package through both doors, on both databases."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gateway.app import Application, create_app
from gateway.migrations import packages_of, upgrade
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.engine.document.documents import RequestError
from schema.engine.write import removal
from schema.rules.access import Caller, Role
from schema.storage.opening import open_database
from tests.connecting import PATIENCE, until
from tests.gateway.conftest import calling

MODULE = "examples.tasks"
CREATE = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id version } userErrors { code reason field message } } }"
FOLLOW = """subscription($filter: TaskFilter, $since: String) {
  taskChanged(filter: $filter, since: $since) { type taskId cursor task { title } changedFields }
}"""


class Office:
    """A gateway with tasks, a client with an admin's token, and an opportunity."""

    def __init__(self, app: Application, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client
        self.deal = self.account = ""

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = (await self.client.post("/graphql", json={"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def settle(self) -> None:
        made = await self.ask('mutation { createAccount(input: {name: "A"}) { account { id } } }')
        self.account = made["createAccount"]["account"]["id"]
        self.deal = await self.new_deal(self.account)

    async def new_deal(self, account: str) -> str:
        made = await self.ask(f'mutation {{ createOpportunity(input: {{name: "D", accountId: "{account}"}}) {{ opportunity {{ id }} }} }}')
        return str(made["createOpportunity"]["opportunity"]["id"])

    async def new_task(self, title: str, **given: Any) -> str:
        made = await self.ask(CREATE, input={"title": title, "opportunityId": self.deal, **given})
        assert made["createTask"]["userErrors"] == []
        return str(made["createTask"]["task"]["id"])

    def caller(self, account: str | None = None) -> Caller:
        role = Role.ADMIN if account is None else Role.VIEWER
        return Caller(workspace_id=self.workspace, role=role, user_id=None, account_id=account, token_id="key_test")

    async def follow(self, count: int, account: str | None = None, **variables: Any) -> list[Any]:
        """The next events; those that come before `since` are passed over."""
        graph = self.app.graph
        prepared, told = graph.prepare(FOLLOW), []
        async with asyncio.timeout(PATIENCE), aclosing(graph.subscribe(prepared, variables, self.caller(account))) as events:
            async for event in events:
                told.append(json.loads(event.encode())["data"]["taskChanged"])
                if len(told) == count:
                    break
        return told

    workspace = ""


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    await upgrade(database_url, packages_of([MODULE]))
    database = open_database(database_url)
    await database.open()
    key = await ApiKeys(database).create(NewKey("Here", Role.ADMIN, "test"))
    await database.close()
    app = create_app(Settings(database_url=database_url, access_log=False, extensions=(MODULE,)))
    async with calling(app) as client:
        client.headers["authorization"] = f"Bearer {key.token}"
        office = Office(app, client)
        office.workspace = (await office.ask("{ viewer { workspace { id } } }"))["viewer"]["workspace"]["id"]
        await office.settle()
        yield office


async def test_both_directions_in_one_query(office: Office) -> None:
    """A task by its id, as a node, in a list and below its deal; with its computed SQL and its resolver."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    late = await office.new_task("Call", dueDate=yesterday)
    done = await office.new_task("Write", dueDate=yesterday, done=True)
    found = await office.ask(
        f"""{{
          task(id: "{late}") {{ title overdue daysLeft done version opportunity {{ id }} }}
          node(id: "{late}") {{ __typename id }}
          tasks(filter: {{done: true}}) {{ totalCount nodes {{ id overdue assignee {{ id }} }} }}
          opportunity(id: "{office.deal}") {{ tasks(orderBy: {{field: TITLE}}) {{ nodes {{ id }} }} }}
        }}"""
    )
    assert found["task"].pop("daysLeft") in {-1, -2}, "the day may change meanwhile"
    assert found == {
        "task": {"title": "Call", "overdue": True, "done": False, "version": 1, "opportunity": {"id": office.deal}},
        "node": {"__typename": "Task", "id": late},
        "tasks": {"totalCount": 1, "nodes": [{"id": done, "overdue": False, "assignee": None}]},
        "opportunity": {"tasks": {"nodes": [{"id": late}, {"id": done}]}},
    }


async def test_groups(office: Office) -> None:
    """How many tasks there are by what they have in common, and over all that match."""
    for title, done in (("a", True), ("b", False), ("c", False)):
        await office.new_task(title, done=done)
    found = await office.ask(
        "{ taskGroups(groupBy: [DONE]) { done summary { count } } tasks(filter: {done: false}) { summary { count } } }"
    )
    assert found == {
        "taskGroups": [{"done": False, "summary": {"count": 2}}, {"done": True, "summary": {"count": 1}}],
        "tasks": {"summary": {"count": 2}},
    }


async def test_scopes(office: Office) -> None:
    """A token with scopes needs those of tasks, as of any noun."""
    graph = office.app.graph
    caller = replace(office.caller(), scopes=frozenset({"opportunities:read"}))
    answer = await graph.run(graph.prepare("{ tasks { totalCount } }"), {}, caller)
    assert "tasks:read" in answer.errors[0]["message"]


async def test_pages(office: Office) -> None:
    """Cursors go through an order with nulls, forwards and backwards."""
    ids = [await office.new_task(f"T{place}", **({"dueDate": f"2026-01-0{place}"} if place else {})) for place in range(4)]
    page = "tasks(%s, orderBy: [{field: DUE_DATE, direction: DESC}]) { nodes { id } pageInfo { endCursor startCursor hasNextPage } }"
    one = (await office.ask(f"{{ {page % 'first: 3'} }}"))["tasks"]
    two = (await office.ask(f"{{ {page % ('first: 3, after: ' + json.dumps(one['pageInfo']['endCursor']))} }}"))["tasks"]
    back = (await office.ask(f"{{ {page % ('last: 3, before: ' + json.dumps(two['pageInfo']['startCursor']))} }}"))["tasks"]
    assert [node["id"] for node in [*one["nodes"], *two["nodes"]]] == [ids[3], ids[2], ids[1], ids[0]]
    assert (back["nodes"], one["pageInfo"]["hasNextPage"], two["pageInfo"]["hasNextPage"]) == (one["nodes"], True, False)


async def test_what_is_refused(office: Office) -> None:
    """Every fault at once, each with its field; versions are compared; nothing is written."""
    made = await office.ask(CREATE, input={"title": " ", "opportunityId": "opp_none", "assigneeId": "usr_none"})
    faults = [(each["code"], each["reason"], each["field"]) for each in made["createTask"]["userErrors"]]
    assert sorted(faults) == [
        ("NOT_FOUND", "NOT_FOUND", ["assigneeId"]),
        ("NOT_FOUND", "NOT_FOUND", ["opportunityId"]),
        ("VALIDATION_ERROR", "TOO_SHORT", ["title"]),
    ]
    task = await office.new_task("Call")
    change = """mutation { updateTask(id: "%s", input: {done: true}, expectedVersion: %d) {
      task { done version } userErrors { reason message }
    } }"""
    assert (await office.ask(change % (task, 1)))["updateTask"] == {"task": {"done": True, "version": 2}, "userErrors": []}
    stale = (await office.ask(change % (task, 1)))["updateTask"]["userErrors"]
    assert stale == [{"reason": "VERSION", "message": "The task is at version 2, not 1: read it again."}]
    assert (await office.ask("{ tasks { totalCount } }"))["tasks"]["totalCount"] == 1


async def test_a_key_makes_a_retry_safe(office: Office) -> None:
    """The same call under the same key makes one task."""
    call = f'mutation {{ createTask(input: {{title: "Once", opportunityId: "{office.deal}"}}, idempotencyKey: "k") {{ task {{ id }} }} }}'
    assert await office.ask(call) == await office.ask(call)
    assert (await office.ask("{ tasks { totalCount } }"))["tasks"]["totalCount"] == 1


async def test_a_deal_takes_its_tasks_along(office: Office) -> None:
    """`on_delete="cascade"`: the tasks go with the deal, and followers are told of each."""
    tasks = {await office.new_task("One"), await office.new_task("Two")}
    following = asyncio.create_task(office.follow(2, since=await _beginning(office)))
    gone = await office.ask(f'mutation {{ deleteOpportunity(id: "{office.deal}") {{ deletedId userErrors {{ message }} }} }}')
    assert gone["deleteOpportunity"] == {"deletedId": office.deal, "userErrors": []}
    assert (await office.ask("{ tasks { totalCount } }"))["tasks"]["totalCount"] == 0
    told = await following
    assert {(event["type"], event["taskId"]) for event in told} == {("DELETED", id_) for id_ in tasks}


async def test_a_deal_with_too_many(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of records a deletion is refused, with what to do, and nothing is gone."""
    monkeypatch.setattr(removal, "MOST", 2)
    for title in "abc":
        await office.new_task(title)
    gone = await office.ask(f'mutation {{ deleteOpportunity(id: "{office.deal}") {{ deletedId userErrors {{ code message }} }} }}')
    message = "More than 2 records would be deleted or changed with the opportunity: delete some of them first."
    assert gone["deleteOpportunity"] == {"deletedId": None, "userErrors": [{"code": "CONFLICT", "message": message}]}
    assert (await office.ask("{ tasks { totalCount } }"))["tasks"]["totalCount"] == 3


async def test_deals_with_too_many_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is the transaction's: a call that deletes many deals takes no more tasks along than one deletion may."""
    monkeypatch.setattr(removal, "MOST", 3)
    deals = [office.deal, await office.new_deal(office.account)]
    for number, deal in enumerate(deals * 2):
        await office.new_task(f"T{number}", opportunityId=deal)
    remove = """mutation($ids: [ID!]!, $atomic: Boolean!) { deleteOpportunities(ids: $ids, atomic: $atomic) {
      succeeded results { userErrors { code reason message } } } }"""
    refused = (await office.ask(remove, ids=deals, atomic=True))["deleteOpportunities"]
    message = "More than 3 records would be deleted or changed with the opportunities of this call: delete fewer at once."
    assert refused["succeeded"] == 0
    assert refused["results"][1]["userErrors"] == [{"code": "CONFLICT", "reason": "IN_USE", "message": message}]
    assert (await office.ask("{ tasks { totalCount } }"))["tasks"]["totalCount"] == 4
    assert (await office.ask(remove, ids=deals, atomic=False))["deleteOpportunities"]["succeeded"] == 1
    assert (await office.ask(remove, ids=deals[1:], atomic=False))["deleteOpportunities"]["succeeded"] == 1


async def test_a_deal_with_too_many_behind_another(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deal that has too many tasks by itself is refused for them, wherever in a call it stands: no smaller call would do."""
    monkeypatch.setattr(removal, "MOST", 1)
    other = await office.new_deal(office.account)
    for number, deal in enumerate((office.deal, other, other)):
        await office.new_task(f"T{number}", opportunityId=deal)
    remove = "mutation($ids: [ID!]!) { deleteOpportunities(ids: $ids) { results { userErrors { message } } } }"
    results = (await office.ask(remove, ids=[office.deal, other]))["deleteOpportunities"]["results"]
    message = "More than 1 records would be deleted or changed with the opportunity: delete some of them first."
    assert [result["userErrors"] for result in results] == [[], [{"message": message}]]


async def _beginning(office: Office) -> str:
    """The cursor of the first event there is, which a new deal was."""
    deal = "subscription($since: String) { opportunityChanged(since: $since) { cursor } }"
    graph = office.app.graph
    async with aclosing(graph.subscribe(graph.prepare(deal), {}, office.caller())) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: any(each.followers and each.known for each in graph.events._workspaces.values()))
        await office.new_deal(office.account)
        return str(json.loads((await first).encode())["data"]["opportunityChanged"]["cursor"])


async def test_following(office: Office) -> None:
    """Changes of tasks alone, in order, by the filter, and again from any cursor."""
    since = await _beginning(office)
    task = await office.new_task("Call")
    await office.new_task("Other", done=True)
    await office.new_deal(office.account)
    await office.ask(f'mutation {{ updateTask(id: "{task}", input: {{title: "Call back", dueDate: "2027-01-01"}}) {{ task {{ id }} }} }}')
    await office.ask(f'mutation {{ deleteTask(id: "{task}") {{ deletedId }} }}')
    told = await office.follow(4, since=since)
    assert [(event["type"], event["task"] and event["task"]["title"]) for event in told] == [
        ("CREATED", None),
        ("CREATED", "Other"),
        ("UPDATED", None),
        ("DELETED", None),
    ]
    assert told[2]["changedFields"] == ["title", "dueDate"]
    assert await office.follow(2, since=told[1]["cursor"]) == told[2:]
    assert [event["type"] for event in await office.follow(1, since=since, filter={"done": True})] == ["CREATED"]


async def test_a_viewer_sees_tasks_with_their_deals(office: Office) -> None:
    """A viewer who is limited to an account sees its deals' tasks: in lists, below deals, by id, and in events."""
    since = await _beginning(office)
    hidden = await office.new_task("Hidden")
    made = await office.ask('mutation { createAccount(input: {name: "B"}) { account { id } } }')
    account = made["createAccount"]["account"]["id"]
    office.deal = await office.new_deal(account)
    seen = await office.new_task("Seen")
    graph = office.app.graph
    query = f'{{ tasks {{ totalCount nodes {{ id }} }} task(id: "{hidden}") {{ id }} }}'
    answer = await graph.run(graph.prepare(query), {}, office.caller(account))
    assert answer.data == {"tasks": {"totalCount": 1, "nodes": [{"id": seen}]}, "task": None}
    assert [event["taskId"] for event in await office.follow(1, account, since=since)] == [seen]


async def test_rest(office: Office) -> None:
    """`/api/tasks/` as any resource: created, listed by parameters, read, changed, deleted, and refused in REST's words."""
    client = office.client
    created = await client.post("/api/tasks/", json={"title": "Call", "opportunityId": office.deal, "dueDate": "2020-02-29"})
    assert created.status_code == 201, created.text
    task = created.json()
    assert (task["title"], task["overdue"], task["done"], task["assigneeId"]) == ("Call", True, False, None)
    await client.post("/api/tasks/", json={"title": "Done", "opportunityId": office.deal, "done": True})
    listed = (await client.get("/api/tasks/", params={"done": "false"})).json()
    assert listed["results"] == [task]
    queried = await client.request("QUERY", "/api/tasks/", json={"done": False})
    assert queried.json() == listed, "true and false are written as JSON has them"
    changed = await client.patch(f"/api/tasks/{task['id']}/", json={"done": True}, headers={"if-match": created.headers["etag"]})
    assert (changed.status_code, changed.json()["done"], changed.json()["overdue"]) == (200, True, False)
    refused = await client.post("/api/tasks/", json={"title": "", "opportunityId": "opp_none"})
    assert refused.status_code == 422, refused.text
    assert (await client.delete(f"/api/tasks/{task['id']}/")).status_code == 204
    assert (await client.get(f"/api/tasks/{task['id']}/")).status_code == 404
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    assert {"/api/tasks/", "/api/tasks/{id}/"} <= paths.keys()


async def test_a_list_changes_with_the_day(office: Office) -> None:
    """What is computed changes while the workspace's revision stands, as with the day: a list that shows it is 304 only while it is alike.

    Here the task's day is moved in the table, which the revision knows nothing of.
    """
    await office.new_task("Call", dueDate="2999-01-01")
    tags = {query: (await office.client.get(f"/api/tasks/{query}")).headers["etag"] for query in ("", "?fields=title")}
    for query, tag in tags.items():
        again = await office.client.get(f"/api/tasks/{query}", headers={"if-none-match": tag})
        assert (again.status_code, again.headers["etag"], again.content) == (304, tag, b"")
    moved = office.app.database.compile(text("UPDATE task SET due_date = '2020-02-29'"))
    await office.app.database.write(lambda connection: connection.execute(moved, {}))
    later = await office.client.get("/api/tasks/", headers={"if-none-match": tags[""]})
    assert (later.status_code, later.json()["results"][0]["overdue"]) == (200, True)
    stored = await office.client.get("/api/tasks/?fields=title", headers={"if-none-match": tags["?fields=title"]})
    assert stored.status_code == 304, "what is stored alone is answered by the revision, without a query"


async def test_a_reference_out_of_sight(office: Office) -> None:
    """Whom a task is for, a limited viewer may not know: no filter tells it, in lists or to followers, as the field doesn't."""
    made = await office.ask('mutation { createUser(input: {name: "Hidden", email: "h@x.io", role: MEMBER}) { user { id } } }')
    hidden = made["createUser"]["user"]["id"]
    since = await _beginning(office)
    task, viewer = await office.new_task("Call", assigneeId=hidden), office.caller(office.account)
    filters = [{"assigneeId": {"eq": hidden}}, {"assigneeId": {"isNull": True}}, {"not": {"assigneeId": {"in": [hidden, "usr_0"]}}}]
    counts = "query($filter: TaskFilter) { tasks(filter: $filter) { totalCount nodes { assignee { id } } } }"
    graph = office.app.graph
    for filter_, seen, known in zip(filters, (0, 1, 1), (1, 0, 0), strict=True):
        limited = await graph.run(graph.prepare(counts), {"filter": filter_}, viewer)
        assert limited.data["tasks"] == {"totalCount": seen, "nodes": [{"assignee": None}] * seen}
        assert (await office.ask(counts, filter=filter_))["tasks"]["totalCount"] == known
        with pytest.raises(RequestError, match="can't follow by assigneeId"):
            async with aclosing(graph.subscribe(graph.prepare(FOLLOW), {"filter": filter_}, viewer)) as events:
                await anext(events)
    assert [event["taskId"] for event in await office.follow(1, since=since, filter=filters[0])] == [task]
