"""What a document costs in statements: as many as it has list levels and counts, whatever the number of rows, each bound to a workspace."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

import re
from random import Random

import pytest

from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.storage.database import Database
from tests.schema.dataset import World, data, fill, make_tenant
from tests.schema.query_recorder import Heard

COSTS = {
    "one level": (1, "{ opportunities { nodes { id name stage value } } }"),
    "parents are joined": (1, "{ opportunities { nodes { account { name } assignedTo { name email account { name } } } } }"),
    "a to-many relation is one batch": (2, "{ opportunities { edges { cursor node { name contacts { email account { name } } } } } }"),
    "two to-many relations are two": (3, "{ opportunities { nodes { contacts { name } stageHistory { to at by { name } } } } }"),
    "the count is one more": (2, "{ opportunities { nodes { id } totalCount } }"),
    "count and summary are one": (1, "{ opportunities { totalCount summary { count totalValue winRate } } }"),
    "pageInfo is none": (1, "{ opportunities(first: 3) { nodes { id } pageInfo { hasNextPage endCursor } } }"),
    "connections of all parents are one": (2, "{ accounts { nodes { name opportunities(first: 3) { nodes { name } } } } }"),
    "with their counts two": (3, "{ accounts { nodes { name opportunities(first: 3) { totalCount nodes { name } } } } }"),
    "three levels": (3, "{ accounts { nodes { opportunities(first: 3) { nodes { contacts { name } } } } } }"),
    "one record": (1, '{ opportunity(id: "ID") { name account { name } assignedTo { name } } }'),
    "one record with its contacts": (1, '{ opportunity(id: "ID") { name contacts { name } } }'),
    "a record of any type": (1, '{ node(id: "ID") { id ... on Opportunity { name } ... on Account { website } } }'),
    "records of two types": (2, '{ nodes(ids: ["ID", "ID", "acc_0"]) { id } }'),
    "the pipeline": (1, "{ pipeline { stage count totalValue averageAgeDays } }"),
    "the pipeline as it was": (1, '{ pipeline(asOf: "2025-06-30") { stage count } }'),
    "the forecast": (1, '{ forecast(from: "2025-01-01", to: "2026-12-31") { start openValue wonValue } }'),
    "stages are no data": (0, "{ stages { stage label } __typename }"),
    "who asks": (1, "{ viewer { role workspace { name } } }"),
    "roots add up": (3, "{ a: opportunities { nodes { id } } b: accounts { totalCount } users { nodes { id } } }"),
}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    return Heard(monkeypatch)


async def _texts(graph: Graph, world: World, heard: Heard, document: str) -> list[str]:
    document = document.replace("ID", world.here.ids("opportunity")[0])
    # Statements are compiled between reads, which begin again then: what is counted is how it goes from then on.
    await data(graph, document, world.here.caller())
    heard.clear()
    await data(graph, document, world.here.caller())
    return heard.reading()


async def test_statements_of_documents(world: World, heard: Heard) -> None:
    """Each document costs the statements it should."""
    graph = Graph(world.database, limits=Limits(counts=0))
    counted = {name: len(await _texts(graph, world, heard, document)) for name, (_, document) in COSTS.items()}
    assert counted == {name: count for name, (count, _) in COSTS.items()}
    assert graph.compiled == 2 * len(COSTS)


async def test_statements_do_not_grow_with_rows(database: Database, heard: Heard) -> None:
    """Twelve deals and three hundred are read by the same statements, text by text."""
    graph = Graph(database, limits=Limits(counts=0))
    told = []
    for name, deals in (("Few", 12), ("Many", 300)):
        tenant = make_tenant(Random(name), name, deals=deals)
        await fill(database, tenant)
        small = World(database, graph, tenant, tenant)
        told.append({name: await _texts(graph, small, heard, document) for name, (_, document) in COSTS.items()})
    assert told[0] == told[1]


async def test_only_the_columns_asked_for(world: World, heard: Heard) -> None:
    """A statement selects what the document names, and nothing else of the table."""
    (text,) = await _texts(world.graph, world, heard, "{ opportunities { nodes { name closeDate } } }")
    selected = text.partition("FROM")[0]
    assert re.findall(r"t0\.(\w+)", selected) == ["name", "close_date"]


async def test_the_id_of_a_parent_needs_no_join(world: World, heard: Heard) -> None:
    """`assignedTo { id }` is read from the deal itself, also beside `__typename`; any other field joins the user once."""
    (text,) = await _texts(world.graph, world, heard, "{ opportunities { nodes { assignedTo { id __typename } account { key: id } } } }")
    assert "JOIN" not in text
    document = "{ opportunities { nodes { assignedTo { id name } again: assignedTo { email } } } }"
    (text,) = await _texts(world.graph, world, heard, document)
    assert text.count("JOIN") == 1


async def test_a_limited_viewer_joins_for_what_it_may_not_see(world: World, heard: Heard) -> None:
    """To a limited viewer even the id of a user out of sight is null, so it is joined with what the viewer may see."""
    heard.clear()
    await data(world.graph, "{ opportunities { nodes { assignedTo { id } } } }", world.here.viewer())
    assert "JOIN" in heard.reading()[0]


@pytest.mark.parametrize("directive", ["@skip(if: true)", "@include(if: false)", "@skip(if: $yes)", "@include(if: $no)"])
async def test_what_is_skipped_costs_no_sql(world: World, heard: Heard, directive: str) -> None:
    """A skipped level takes its statements with it, a skipped field its column."""
    document = (
        f"query($yes: Boolean! = true, $no: Boolean! = false) {{ a: opportunities {{ nodes {{ id value {directive} contacts {directive} "
        f"{{ name }} }} totalCount {directive} }} b: accounts {directive} {{ totalCount }} stages @skip(if: $yes) @include(if: $no) {{ label }} }}"
    )
    texts = await _texts(world.graph, world, heard, document)
    assert len(texts) == 1
    assert "value_cents" not in texts[0]


async def test_every_statement_is_bound_to_the_workspace(world: World, heard: Heard) -> None:
    """No statement of any document leaves out the workspace, for anyone."""
    for caller in (world.here.caller(), world.here.viewer()):
        for _, document in COSTS.values():
            heard.clear()
            await data(world.graph, document.replace("ID", world.here.ids("opportunity")[0]), caller)
            for statement, values in heard.statements:
                assert "workspace" in statement.names, statement.text
                assert values["workspace"] == world.here.id


async def test_a_statement_without_a_workspace_does_not_compile(world: World) -> None:
    """The planner refuses SQL that isn't bound to a workspace."""
    from sqlalchemy import select  # noqa: PLC0415

    from schema.engine.compile.compiler import Compiler  # noqa: PLC0415
    from schema.nouns.opportunities.opportunity import Opportunity  # noqa: PLC0415

    compiler = Compiler.__new__(Compiler)
    compiler.database = world.database
    with pytest.raises(AssertionError):
        compiler.sql(select(Opportunity.__table__.c.id))
