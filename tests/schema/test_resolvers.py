"""Fields that Python functions answer, in plans: what they get, what becomes of their answers, and what can't be honoured."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission

from schema.engine.declare.relay import Node
from schema.engine.document.documents import RequestError
from schema.engine.document.limits import Limits
from schema.engine.execute.resolvers.context import Context
from schema.engine.types.scalars import Date, DateTime, Money
from schema.extensions import Extension, ExtensionError, load
from schema.graph import Graph
from schema.nouns.all import Opportunity
from tests.extensions.deals import CALLS, extension, timed
from tests.schema.dataset import World


@pytest.fixture(params=[True, False], ids=["plans", "graphql-core"])
def graph(world: World, request: pytest.FixtureRequest) -> Graph:
    """The graph with the tests' extension, answered both ways."""
    CALLS.clear()
    return Graph(world.database, plans=request.param, extensions=[extension])


async def run(graph: Graph, world: World, document: str, variables: dict[str, Any] | None = None, who: str = "admin") -> Any:
    caller = world.here.caller() if who == "admin" else world.here.viewer()
    return await graph.run(graph.prepare(document), variables, caller)


def rows_by_id(world: World) -> dict[str, Any]:
    return {row["id"]: row for row in world.here.rows("opportunity")}


async def test_a_resolver_has_its_columns_arguments_and_caller(graph: Graph, world: World) -> None:
    """Beside stored fields of the same object, at any depth, in the order that was asked for."""
    answer = await run(
        graph,
        world,
        "query ($loud: Boolean!) { opportunities(first: 3) { nodes { id headline(loud: $loud) stage account { opportunities(first: 2) "
        "{ nodes { again: headline id } } } } } }",
        {"loud": True},
    )
    assert answer.errors is None, answer.errors
    rows = rows_by_id(world)
    for node in answer.data["opportunities"]["nodes"]:
        assert list(node) == ["id", "headline", "stage", "account"]
        row = rows[node["id"]]
        assert node["headline"] == f"{row['name']}: {row['value_cents']} at {node['stage']} for admin".upper()
        for below in node["account"]["opportunities"]["nodes"]:
            assert below["again"].startswith(f"{rows[below['id']]['name']}: ")


async def test_async_batched_and_extended_resolvers(graph: Graph, world: World) -> None:
    """A batch is one call for all; a field extension stands around its resolver; a coroutine is waited for."""
    answer = await run(graph, world, "{ opportunities(first: 5) { nodes { id slowly place shouted } } }")
    assert answer.errors is None, answer.errors
    rows, nodes = rows_by_id(world), answer.data["opportunities"]["nodes"]
    assert [node["place"] for node in nodes] == [0, 1, 2, 3, 4]
    assert CALLS["place"] == 1
    assert [node["slowly"] for node in nodes] == [rows[node["id"]]["name"] for node in nodes]
    assert [node["shouted"] for node in nodes] == [(rows[node["id"]]["source"] or "none").upper() for node in nodes]


async def test_objects_as_results(graph: Graph, world: World) -> None:
    """Plain objects answer their attributes and resolvers, with __typename; records named by their ids are read, with all below them."""
    answer = await run(
        graph,
        world,
        "{ opportunities(first: 4) { nodes { probability account { id name } health { kind: __typename score words(loud: true) } "
        "itsAccount { id name opportunities(first: 1) { nodes { headline } } } } } }",
    )
    assert answer.errors is None, answer.errors
    for node in answer.data["opportunities"]["nodes"]:
        probability = node["probability"]
        assert node["health"] == {"kind": "Health", "score": probability, "words": f"GOOD {probability}"}
        assert {name: node["itsAccount"][name] for name in ("id", "name")} == node["account"]
        assert node["itsAccount"]["opportunities"]["nodes"][0]["headline"]


async def test_records_that_a_caller_may_not_see_are_null(graph: Graph, world: World) -> None:
    """Whatever ids a resolver names: another workspace's records stay out of sight."""
    ours, theirs = world.here.ids("opportunity")[0], world.there.ids("opportunity")[0]
    answer = await run(graph, world, "query ($ids: [ID!]!) { dealsById(ids: $ids) { id } }", {"ids": [theirs, ours, "opp_none", ours]})
    assert (answer.errors, answer.data) == (None, {"dealsById": [None, {"id": ours}, None, {"id": ours}]})


async def test_a_snapshot_of_its_own(graph: Graph, world: World) -> None:
    """A resolver reads its caller's workspace through info.context, and learns the revision that it sees."""
    answer = await run(graph, world, "{ accountsThereAre }")
    assert answer.errors is None, answer.errors
    assert answer.data["accountsThereAre"][0] == len(world.here.rows("account"))


async def test_permissions(graph: Graph, world: World) -> None:
    """Who may not is told so with FORBIDDEN, at the field, and the resolver isn't called."""
    document = "{ opportunities(first: 2) { nodes { id secret } } }"
    assert (await run(graph, world, document)).errors is None
    CALLS.clear()
    answer = await run(graph, world, document, who="viewer")
    assert [error["extensions"]["code"] for error in answer.errors] == ["FORBIDDEN"] * len(answer.data["opportunities"]["nodes"])
    assert answer.errors[0]["message"] == "Viewers may not read this."
    assert answer.errors[0]["path"] == ["opportunities", "nodes", 0, "secret"]
    assert CALLS["secret"] == 0


async def test_permissions_get_what_strawberry_gives_them(world: World) -> None:
    """The record, `info`, and the arguments under the resolver's names, in plans as in graphql-core; the resolver gets the same."""
    seen: list[Any] = []

    class Sees(BasePermission):
        def has_permission(self, source: Any, info: Any, **arguments: Any) -> bool:
            seen.append(
                (source.name, info.field_name, info.context.caller, {name: getattr(each, "name", each) for name, each in arguments.items()})
            )
            return True

    package = Extension("sees")

    @package.field(Opportunity, "Its name again.", needs=("name",), permission_classes=[Sees])
    def repeated(deal: strawberry.Parent[Opportunity], info: strawberry.Info[Context, None], how_often: int = 2) -> str:
        return f"{info.field_name} {deal.name * how_often}"

    @package.field(Opportunity, "Its name, later.", needs=("name",), permission_classes=[Sees])
    async def later(deal: strawberry.Parent[Opportunity], how_often: int) -> str:
        return deal.name * how_often

    told = []
    for plans in (True, False):
        graph = Graph(world.database, plans=plans, extensions=[package])
        answer = await run(graph, world, "{ opportunities(first: 2) { nodes { name repeated(howOften: 3) later(howOften: 2) } } }")
        assert answer.errors is None, answer.errors
        assert [node["later"] for node in answer.data["opportunities"]["nodes"]] == [each[0] * 2 for each in seen if each[1] == "later"]
        told.append((answer.data, sorted(seen, key=lambda each: (each[1], each[0]))))
        seen.clear()
    assert told[0] == told[1]
    assert {frozenset(each[3]) for each in told[0][1]} == {frozenset({"deal", "how_often"})}


@pytest.mark.parametrize("plans", [True, False])
async def test_an_input_that_refuses_its_values(world: World, *, plans: bool) -> None:
    """What the class of an input raises is its field's error, with the code that it gives: with permissions, without, and in mutations."""

    class Sees(BasePermission):
        def has_permission(self, source: Any, info: Any, **arguments: Any) -> bool:
            return True

    @strawberry.input(description="From a number on.")
    class Span:
        low: int = strawberry.field(description="The number.")

        def __post_init__(self) -> None:
            raise GraphQLError(f"{self.low} is below 0.", extensions={"code": "BAD_REQUEST"})

    package = Extension("spans")

    @package.field(Opportunity, "Without permissions.", needs=("name",))
    def free(deal: strawberry.Parent[Opportunity], span: Span) -> str | None:
        return f"{deal.name} {span.low}"

    @package.field(Opportunity, "With permissions.", needs=("name",), permission_classes=[Sees])
    def guarded(deal: strawberry.Parent[Opportunity], span: Span) -> str | None:
        return f"{deal.name} {span.low}"

    @package.mutation("Does nothing.")
    def spend(span: Span) -> int | None:
        return span.low

    graph = Graph(world.database, plans=plans, extensions=[package])
    nodes = [f"{{ opportunities(first: 1) {{ nodes {{ {name}(span: {{low: -1}}) }} }} }}" for name in ("free", "guarded")]
    for document in (*nodes, "mutation { spend(span: {low: -1}) }"):
        answer = await run(graph, world, document)
        assert [(error["message"], error["extensions"]["code"]) for error in answer.errors] == [("-1 is below 0.", "BAD_REQUEST")]


@pytest.mark.parametrize("plans", [True, False])
async def test_an_input_of_which_one_field_is_given(world: World, *, plans: bool) -> None:
    """Of a package's `@oneOf` input one field is given, in literals with variables in them and in variables; the rest is refused."""

    @strawberry.input(one_of=True, description="One way to name it.")
    class Key:
        number: int | None = strawberry.field(default=strawberry.UNSET, description="By number.")
        words: list[str] | None = strawberry.field(default=strawberry.UNSET, description="By words.")

    package = Extension("keys")

    @package.query("What was named.")
    def named(by: Key) -> str:
        return f"{by.number or by.words}"

    @package.field(Opportunity, "What was named.", needs=("name",))
    def keyed(deal: strawberry.Parent[Opportunity], by: Key) -> str:
        return f"{by.number or by.words}"

    graph = Graph(world.database, plans=plans, extensions=[package])
    for document in ("{ named(by: %s) }", "{ opportunities(first: 1) { nodes { named: keyed(by: %s) } } }"):
        for head, key, given, wanted in (
            ("", "{number: 5}", {}, "5"),
            ("query($n: Int!)", "{number: $n}", {"n": 5}, "5"),
            ("query($w: String!)", '{words: ["a", $w]}', {"w": "b"}, "['a', 'b']"),
            ("query($k: Key!)", "$k", {"k": {"words": "a"}}, "['a']"),
        ):
            answer = await run(graph, world, f"{head} {document % key}", given)
            assert answer.errors is None, answer.errors
            assert f'"named":"{wanted}"'.encode() in answer.encode()
        for key in ("{}", "{number: null}", '{number: 5, words: "a"}', "{number: 5, words: null}"):
            with pytest.raises(RequestError, match="exactly one field must be specified"):
                graph.prepare(document % key)
        for key in ({}, {"number": None}, {"number": 5, "words": "a"}, {"number": 5, "words": None}):
            answer = await run(graph, world, f"query($k: Key!) {document % '$k'}", {"k": key})
            assert "exactly one field must be specified" in answer.errors[0]["message"]
            assert not answer.executed


async def test_permissions_of_own_types(graph: Graph, world: World) -> None:
    """Fields of a package's own types are refused like those of records; a permission may say a code of its own."""
    answer = await run(graph, world, "{ opportunities(first: 1) { nodes { drawer { key shut } } } }", who="viewer")
    assert answer.data["opportunities"]["nodes"] == [{"drawer": {"key": None, "shut": None}}]
    assert {error["path"][-1]: error["extensions"]["code"] for error in answer.errors} == {"key": "FORBIDDEN", "shut": "CLOSED"}


async def test_faults_have_paths_and_nothing_is_called_twice(graph: Graph, world: World) -> None:
    """A failed field is null, or what holds it; the others stay; the resolvers that answered aren't called again to tell it."""
    answer = await run(graph, world, "{ opportunities(first: 3) { nodes { id headline health { score fault } } } }")
    assert [error["path"] for error in answer.errors] == [["opportunities", "nodes", at, "health", "fault"] for at in range(3)]
    assert all(node["headline"] and node["health"]["fault"] is None for node in answer.data["opportunities"]["nodes"])
    assert CALLS["headline"] == 3
    answer = await run(graph, world, "{ opportunities(first: 3) { nodes { id broken } } }")
    assert (answer.data, CALLS["broken"]) == (None, 3)
    assert {error["extensions"]["code"] for error in answer.errors} == {"INTERNAL_ERROR"}


@pytest.mark.parametrize("plans", [True, False])
async def test_days_instants_and_amounts(world: World, *, plans: bool) -> None:
    """Python's own are shown as the schema has them; what is none is an error of its field, whose siblings are told."""
    package = Extension("values")
    east, summer = timezone(timedelta(hours=2)), datetime(2025, 7, 1, 10, 0, tzinfo=UTC)
    for kind, values in (
        (Date, {"day": date(2025, 1, 2), "dayText": "2025-01-02", "noDay": summer, "noDayText": "soon"}),
        (DateTime, {"at": summer.astimezone(east), "atText": "2025-07-01T10:00:00Z", "noZone": datetime(2025, 7, 1)}),  # noqa: DTZ001
        (Money, {"cents": 1250, "summed": Decimal(1250), "units": 12.5, "decimal": Decimal("12.50"), "flag": True}),
    ):
        for name, value in values.items():
            package.query("One.", name=name)(_answering(kind, value))
    graph = Graph(world.database, plans=plans, extensions=[package])
    answer = await run(graph, world, f"{{ {' '.join(str(each.graphql_name) for _, each in package.fields)} }}")
    right = {"day": "2025-01-02", "dayText": "2025-01-02", "at": "2025-07-01T10:00:00Z", "atText": "2025-07-01T10:00:00Z"}
    wrong = ["noDay", "noDayText", "noZone", "units", "decimal", "flag"]
    assert answer.data == right | {"cents": 12.5, "summed": 12.5} | dict.fromkeys(wrong)
    assert sorted(error["path"][0] for error in answer.errors) == sorted(wrong)


def _answering(kind: Any, value: Any) -> Any:
    def answer() -> kind | None:
        return value

    return answer


async def test_wrong_arguments_below_a_resolvers_record(graph: Graph, world: World) -> None:
    """A record that a resolver names has fields with arguments: what is wrong with these is told at their path, as anywhere else."""
    answer = await run(
        graph, world, '{ opportunities(first: 2) { nodes { headline itsAccount { opportunities(after: "junk") { totalCount } } } } }'
    )
    assert {error["extensions"]["code"] for error in answer.errors} == {"BAD_REQUEST"}
    assert answer.errors[0]["path"] == ["opportunities", "nodes", 0, "itsAccount", "opportunities"]
    assert CALLS["headline"] == 2


async def test_a_column_that_is_not_needed(graph: Graph, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The log tells which field reads what, and what to write."""
    answer = await run(graph, world, "{ opportunities(first: 1) { nodes { careless } } }")
    assert answer.errors[0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "Opportunity.careless reads `name`, which isn't in its needs=(...)." in caplog.text


async def test_what_a_resolver_costs_and_answers_is_bounded(world: World) -> None:
    """Each call has its declared cost, and its answer counts towards the answer's bytes."""
    graph = Graph(world.database, extensions=[extension], limits=Limits(max_cost=2_000))
    refused = await run(graph, world, "{ opportunities(first: 10) { nodes { dear } } }")
    assert "costs 5" in refused.errors[0]["message"]
    small = Graph(world.database, extensions=[extension], limits=Limits(max_answer=2_000))
    refused = await run(small, world, "{ opportunities(first: 60) { nodes { headline } } }")
    assert "bytes" in refused.errors[0]["message"]


async def test_schema_extensions(world: World) -> None:
    """They stand around each operation, add to the answer and change its errors; documents are parsed and validated once."""
    CALLS.clear()
    graph = Graph(world.database, extensions=[extension, timed])
    for _ in range(2):
        answer = await run(graph, world, "{ opportunities(first: 1) { nodes { id careless headline } } }")
    assert answer.extensions["who"] == "admin"
    assert answer.extensions["cost"]["requested"] > 0
    (error,) = answer.errors
    assert (error["message"], error["path"]) == ("masked: Somet", ["opportunities", "nodes", 0, "careless"])
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert error["locations"]
    assert [CALLS[hook] for hook in ("parse", "validate", "operation", "operations ended")] == [1, 1, 2, 2]


async def test_a_schema_extension_that_refuses(world: World) -> None:
    """What it raises is the answer's error, with its code, and nothing is run."""
    graph = Graph(world.database, extensions=[extension, timed])
    CALLS.clear()
    answer = await run(graph, world, "query Refused { opportunities(first: 1) { nodes { headline } } }")
    assert (answer.executed, answer.errors[0]["message"], answer.errors[0]["extensions"]["code"]) == (False, "not today", "FORBIDDEN")
    assert CALLS["headline"] == 0


def test_schema_extensions_that_cannot_be_honoured(world_on_sqlite: World) -> None:
    """Stored fields aren't resolved one by one: an extension that wants to stand around each is refused by its name."""

    class Each(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **given: Any) -> Any:
            return _next(root, info, *args, **given)

    with pytest.raises(TypeError, match=r"Each\.resolve can't be honoured"):
        Graph(world_on_sqlite.database, extensions=[Extension("their.package", schema_extensions=[Each])])


async def test_the_graph_without_extensions_is_as_before(world: World) -> None:
    """An extension adds to the graphs that it is given to, and to no other of the process."""
    extended = Graph(world.database, extensions=[extension])
    assert "headline(" in extended.sdl
    assert "headline(" not in Graph(world.database).sdl


def added(**options: Any) -> Extension:
    """An extension with one field, as `options` declare it."""
    made = Extension("their.package")

    def field(deal: strawberry.Parent[Opportunity]) -> str:
        return ""

    field.__name__ = options.pop("called", "field")
    made.field(options.pop("owner", Opportunity), "A field.", **options)(field)
    return made


def abstract() -> Extension:
    made = Extension("their.package")

    @made.query("Any record.")
    def anything() -> Node:
        raise NotImplementedError

    return made


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: added(called="name"), "their.package adds Opportunity.name, which is there already."),
        (lambda: added(owner=int), "their.package adds field to <class 'int'>, which is no type of the graph."),
        (lambda: added(needs=("nmae",)), "Opportunity.field needs nmae, which is neither a field with a value of its own nor a column."),
        (abstract, "Query.anything answers Node, an interface or a union: a resolver must answer one type."),
    ],
)
def test_what_cannot_be_honoured_is_refused_at_start(world_on_sqlite: World, wrong: Any, message: str) -> None:
    """By its name, and the types are as they were before."""
    with pytest.raises(TypeError) as refused:
        Graph(world_on_sqlite.database, extensions=[wrong()])
    assert str(refused.value) == message
    Graph(world_on_sqlite.database)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("no.such.module", "no.such.module can't be imported: No module named 'no'"),
        ("json", "json has no `extension`: "),
        *((name, f"{name!r} is no module's name") for name in (".", "a b", "..json", "1x", "tasks/")),
        ("broken", "broken can't be imported: ZeroDivisionError: division by zero ("),
    ],
)
def test_modules_that_are_none(module: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module is named with what is wrong with it, and where."""
    (tmp_path / "broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ExtensionError) as refused:
        load([module])
    assert str(refused.value).startswith(message)
