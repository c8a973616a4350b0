"""Python functions that answer mutations, and fields of what mutations answer and events tell."""

import asyncio
from contextlib import aclosing
from typing import Any

import orjson
import pytest
import strawberry

from schema.engine.declare.errors import UserError
from schema.extensions import Extension
from schema.graph import Graph
from schema.rules.access import Role
from tests.extensions.deals import CALLS, extension
from tests.extensions.mutations import extension as winning
from tests.schema.dataset import World
from tests.schema.test_following import begun

WIN = """mutation ($id: ID!, $how: WinInput!, $key: String) {
  winDeal(id: $id, how: $how, idempotencyKey: $key) {
    cheers(times: 2) userErrors opportunity { id stage value headline account { opportunities(first: 1) { nodes { place } } } }
  }
}"""


@pytest.fixture(params=[True, False], ids=["plans", "graphql-core"])
def graph(world: World, request: pytest.FixtureRequest) -> Graph:
    """The graph with the tests' extensions; mutations are the same however queries are answered."""
    CALLS.clear()
    return Graph(world.database, plans=request.param, extensions=[extension, winning])


async def run(graph: Graph, world: World, document: str, variables: dict[str, Any] | None = None, who: str = "admin") -> Any:
    callers = {"admin": world.here.caller(), "viewer": world.here.viewer(), "member": world.here.caller(Role.MEMBER)}
    return await graph.run(graph.prepare(document), variables, callers[who])


CREATE = """mutation ($account: ID!) {
  createOpportunity(input: {name: "New", accountId: $account, source: "Web"}) {
    opportunity { id name stage probability source account { id name } }
  }
}"""


async def open_deal(graph: Graph, world: World) -> dict[str, Any]:
    """A new deal, with the account to which the viewer is limited."""
    answer = await run(graph, world, CREATE, {"account": world.here.viewer().account_id})
    assert answer.errors is None, answer.errors
    return dict(answer.data["createOpportunity"]["opportunity"])


async def deal_now(graph: Graph, world: World, deal: dict[str, Any]) -> dict[str, Any]:
    """The same deal, as it is now."""
    answer = await run(graph, world, "query ($id: ID!) { opportunity(id: $id) { id stage source } }", {"id": deal["id"]})
    return dict(answer.data["opportunity"])


async def account_now(graph: Graph, world: World, account: str) -> tuple[str, int]:
    """The name of an account as it is now, and the workspace's revision."""
    document = graph.prepare("query ($id: ID!) { account(id: $id) { name } }")
    answer = await graph.run(document, {"id": account}, world.here.caller(), at_revision=True)
    assert answer.data is not None
    assert answer.revision is not None
    return answer.data["account"]["name"], answer.revision


async def test_a_mutation_in_its_unit_of_work(graph: Graph, world: World) -> None:
    """It carries out another mutation by its rules, in one revision, and answers the record as it is then, with all fields below it."""
    deal = await open_deal(graph, world)
    _, before = await account_now(graph, world, deal["account"]["id"])
    answer = await run(graph, world, WIN, {"id": deal["id"], "how": {"value": 7}})
    assert answer.errors is None, answer.errors
    won = answer.data["winDeal"]
    assert list(won) == ["cheers", "userErrors", "opportunity"]
    assert (won["cheers"], won["userErrors"]) == ("hooray hooray ", [])
    assert (won["opportunity"]["stage"], won["opportunity"]["value"]) == ("CLOSED_WON", 7)
    assert won["opportunity"]["headline"] == f"{deal['name']}: 700 at CLOSED_WON for admin"
    assert won["opportunity"]["account"]["opportunities"]["nodes"] == [{"place": 0}]
    assert (await account_now(graph, world, deal["account"]["id"]))[1] == before + 1
    assert (CALLS["win_deal"], CALLS["headline"]) == (1, 1)


async def test_what_is_refused_is_not_done(graph: Graph, world: World) -> None:
    """`user_errors` in the answer take back what was done before, revision included."""
    deal = await open_deal(graph, world)
    before = await account_now(graph, world, deal["account"]["id"])
    answer = await run(graph, world, WIN, {"id": deal["id"], "how": {"value": 7, "refuse": True}})
    assert answer.data["winDeal"]["userErrors"] == ["refused"]
    assert await account_now(graph, world, deal["account"]["id"]) == before
    assert (await deal_now(graph, world, deal))["stage"] == deal["stage"]


async def test_the_first_answer_is_told_again(graph: Graph, world: World) -> None:
    """Under an idempotency key the mutation is not called again; fields of Python get the columns as they were."""
    deal = await open_deal(graph, world)
    call = {"id": deal["id"], "how": {"value": 7}, "key": "k1"}
    first = await run(graph, world, WIN, call)
    assert first.errors is None, first.errors
    _, revision = await account_now(graph, world, deal["account"]["id"])
    rename = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {name: "renamed"}) { userErrors { message } } }'
    await run(graph, world, rename, {"id": deal["id"]})
    again = await run(graph, world, WIN, call)
    assert (again.errors, again.data, again.extensions["idempotencyReplayed"]) == (None, first.data, True)
    assert CALLS["win_deal"] == 1
    assert (await account_now(graph, world, deal["account"]["id"]))[1] == revision + 1


UPDATE = """mutation ($ids: [ID!]!, $key: String) {
  updateOpportunities(ids: $ids, input: {source: "fair"}, idempotencyKey: $key) {
    succeeded results { opportunity { id %s } }
  }
}"""


@pytest.mark.parametrize("fields", ["headline slowly place shouted", "health { kind: __typename score words } itsAccount { id name }"])
async def test_fields_of_what_was_written(graph: Graph, world: World, fields: str) -> None:
    """Resolvers of any kind, for each record of a payload, the same one twice too; told again under the key they answer the same."""
    ids = world.here.ids("opportunity")[:3]
    call = {"ids": [*ids, ids[0]], "key": "k2"}
    answer = await run(graph, world, UPDATE % fields, call)
    assert answer.errors is None, answer.errors
    asked = await run(graph, world, f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on Opportunity {{ {fields} }} }} }}", {"ids": ids})
    results = [result["opportunity"] for result in answer.data["updateOpportunities"]["results"]]
    if "place" not in fields:
        assert results[:3] == asked.data["nodes"]
    assert results[3] == results[0]
    again = await run(graph, world, UPDATE % fields, call)
    assert again.extensions["idempotencyReplayed"]
    if "place" not in fields:
        assert (again.errors, again.data) == (None, answer.data)


async def test_a_failing_field_of_what_was_written(graph: Graph, world: World) -> None:
    """The write is done and told; the field is null, or what holds it, with an error at its path; nothing is called twice."""
    deal = await open_deal(graph, world)
    update = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {source: "fair"}) { userErrors { message } opportunity { id %s } } }'
    answer = await run(graph, world, update % "health { score fault }", {"id": deal["id"]})
    assert answer.data["updateOpportunity"]["opportunity"]["health"] == {"score": deal["probability"], "fault": None}
    (error,) = answer.errors
    assert (error["path"], error["extensions"]["code"]) == (["updateOpportunity", "opportunity", "health", "fault"], "INTERNAL_ERROR")
    assert error["locations"]
    answer = await run(graph, world, update % "broken", {"id": deal["id"]})
    assert answer.data == {"updateOpportunity": {"userErrors": [], "opportunity": None}}
    assert [error["path"] for error in answer.errors] == [["updateOpportunity", "opportunity", "broken"]]
    assert CALLS["broken"] == 1
    answer = await run(graph, world, update % "careless", {"id": deal["id"]})
    assert answer.data["updateOpportunity"]["opportunity"] == {"id": deal["id"], "careless": None}
    several = 'mutation ($ids: [ID!]!) { updateOpportunities(ids: $ids, input: {source: "fair"}) { results { opportunity { careless } } } }'
    assert len((await run(graph, world, several, {"ids": world.here.ids("opportunity")[:7]})).errors) == 7
    assert (await deal_now(graph, world, deal))["source"] == "fair"


async def test_fields_that_take_too_long(graph: Graph, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is told in time, with TIMEOUT at the field that isn't there yet."""
    monkeypatch.setattr("schema.engine.write.mutations.SECONDS", 0.0)
    update = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {source: "slow"}) { opportunity { id later } } }'
    answer = await run(graph, world, update, {"id": (await open_deal(graph, world))["id"]})
    assert answer.data["updateOpportunity"]["opportunity"]["later"] is None
    assert [error["extensions"]["code"] for error in answer.errors] == ["TIMEOUT"]


async def test_sql_of_its_own(graph: Graph, world: World) -> None:
    """Within the caller's workspace and no other."""
    ours, theirs = world.here.ids("account")[0], world.there.ids("account")[0]
    rename = 'mutation ($id: ID!) { rename(account: $id, name: "new") }'
    assert (await run(graph, world, rename, {"id": ours})).data == {"rename": "new"}
    assert (await run(graph, world, rename, {"id": theirs})).data == {"rename": None}
    assert (await account_now(graph, world, ours))[0] == "new"
    there = await graph.run(graph.prepare("query ($id: ID!) { account(id: $id) { name } }"), {"id": theirs}, world.there.caller())
    assert there.data != {"account": {"name": "new"}}
    answer = await run(graph, world, "mutation { unbound }")
    assert (answer.data, answer.errors[0]["extensions"]["code"]) == ({"unbound": None}, "INTERNAL_ERROR")


@pytest.mark.parametrize(
    ("call", "code", "logged"),
    [
        ("waits(account: $id)", "INTERNAL_ERROR", "Mutation.waits waits for something other than its unit of work"),
        ("waits(account: $id, stubborn: true)", "INTERNAL_ERROR", "Mutation.waits waits for something other than its unit of work"),
        ("slow(account: $id)", "TIMEOUT", ""),
    ],
)
async def test_it_may_not_keep_others_waiting(
    graph: Graph, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, call: str, code: str, logged: str
) -> None:
    """Whatever it waits for besides its unit of work is refused, and it has a deadline; then nothing of it is done."""
    monkeypatch.setattr("schema.engine.write.unit_of_work.SECONDS", 0.02 if call.startswith("slow") else 60)
    account = world.here.ids("account")[0]
    before = await account_now(graph, world, account)
    answer = await run(graph, world, f'mutation ($id: ID!) {{ {call} other: quick(how: "") }}', {"id": account})
    assert (answer.data[call.partition("(")[0]], answer.errors[0]["extensions"]["code"]) == (None, code)
    assert logged in caplog.text
    assert await account_now(graph, world, account) == before
    assert answer.data["other"]


async def test_errors_and_rights(graph: Graph, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An error is its field's: a defect's text stays in the log; codes of the function's own are told; who may not is told FORBIDDEN."""
    answer = await run(graph, world, 'mutation { a: quick(how: "error") b: quick(how: "coded") }')
    assert answer.data == {"a": None, "b": None}
    assert {error["path"][0]: error["extensions"]["code"] for error in answer.errors} == {"a": "INTERNAL_ERROR", "b": "NOT_LIKE_THIS"}
    assert "boom" in caplog.text
    account = world.here.ids("account")[0]
    before = await account_now(graph, world, account)
    for document, who, message in (
        ("mutation ($id: ID!) { trusted(account: $id) }", "member", "Only the trusted may."),
        ("mutation ($id: ID!) { trusted(account: $id) }", "viewer", "A viewer may only read."),
        ("mutation { admins }", "member", "Only an admin may do this."),
    ):
        answer = await run(graph, world, document, {"id": account} if "$id" in document else {}, who)
        assert (answer.errors[0]["extensions"]["code"], answer.errors[0]["message"]) == ("FORBIDDEN", message)
    assert await account_now(graph, world, account) == before
    assert (await run(graph, world, "mutation ($id: ID!) { trusted(account: $id) }", {"id": account})).data == {"trusted": "welcome"}


async def test_a_failing_field_of_its_own_answer(graph: Graph, world: World) -> None:
    """What a mutation did stays done where a field of its answer fails."""
    deal = await open_deal(graph, world)
    document = "mutation ($id: ID!) { winDeal(id: $id, how: {value: 1}) { groan cheers opportunity { stage } } }"
    answer = await run(graph, world, document, {"id": deal["id"]})
    assert answer.data == {"winDeal": {"groan": None, "cheers": "hooray ", "opportunity": {"stage": "CLOSED_WON"}}}
    assert [error["path"] for error in answer.errors] == [["winDeal", "groan"]]
    assert (await deal_now(graph, world, deal))["stage"] == "CLOSED_WON"


async def test_fields_of_events(graph: Graph, world: World) -> None:
    """A follower's event has what resolvers answer for this follower, with errors at their paths, whoever else follows the same."""
    document = graph.prepare("subscription { opportunityChanged { type opportunity { id headline health { fault } secret } } }")
    deal = await open_deal(graph, world)
    followers = {"admin": graph.subscribe(document, {}, world.here.caller()), "viewer": graph.subscribe(document, {}, world.here.viewer())}
    async with aclosing(followers["admin"]), aclosing(followers["viewer"]):
        tasks = await begun(graph, *followers.values())
        for source in ("one", "two"):
            update = (
                "mutation ($id: ID!, $source: String) { updateOpportunity(id: $id, input: {source: $source}) { userErrors { message } } }"
            )
            await run(graph, world, update, {"id": deal["id"], "source": source})
            for role, task in zip(followers, tasks, strict=True):
                body = orjson.loads((await task).encode())
                event = body["data"]["opportunityChanged"]["opportunity"]
                assert event["headline"].endswith(f"for {role}")
                codes = {tuple(error["path"][2:]): error["extensions"]["code"] for error in body["errors"]}
                assert codes[("health", "fault")] == "INTERNAL_ERROR"
                assert (event["secret"], codes.get(("secret",))) == (("hush", None) if role == "admin" else (None, "FORBIDDEN"))
            tasks = await begun(graph, *followers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def mutation_of(**options: Any) -> Extension:
    made = Extension("their.package")

    def act() -> int:
        return 1

    made.mutation("Acts.", **options)(act)
    return made


def on_plain() -> Extension:
    made = Extension("their.package")

    @made.field(UserError, "More.")
    def more(error: strawberry.Parent[Any]) -> str | None:
        return ""

    return made


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (mutation_of, "Mutation.act rules out null, which stands for a mutation that failed: write its type as `... | None`."),
        (on_plain, "UserError.more has a resolver of an extension, which only records, Query and Mutation can have."),
    ],
)
def test_what_cannot_be_honoured_is_refused_at_start(world_on_sqlite: World, wrong: Any, message: str) -> None:
    """By its name."""
    with pytest.raises(TypeError) as refused:
        Graph(world_on_sqlite.database, extensions=[wrong()])
    assert str(refused.value) == message
