"""Nouns whose names are of more than a word, are words of Python, or differ from their labels; and lines that can't be kept."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import strawberry
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Column, ForeignKeyConstraint, Integer, MetaData, Table, UniqueConstraint, create_engine
from sqlmodel import SQLModel
from strawberry.utils.str_converters import to_camel_case

from gateway.app import create_app
from gateway.migrations.names import name_constraints
from gateway.migrations.packages import in_order
from gateway.migrations.runner import connected
from gateway.settings import Settings
from rest_compat.resources.declaration import DeclarationError, Key, Resource, check_resources
from rest_compat.translate.documents import read_document
from schema.administration.keys import ApiKeys, NewKey
from schema.assembly import build
from schema.declaring import (
    ID,
    NAME,
    Account,
    Constraint,
    Date,
    Extension,
    Money,
    Opportunity,
    Rules,
    Tracked,
    computed,
    field,
    flag,
    noun,
    rules_of,
    stored_enum,
)
from schema.engine.declare.base import NOUNS
from schema.graph import Graph
from schema.rules.access import Role
from schema.storage.opening import open_database
from tests.gateway.conftest import calling

extension = Extension("ledger")

Hurry = stored_enum("Hurry", "How soon.", {"LATER": (1, "Some day."), "SOON": (5, "This week."), "NOW": (100_000, "Today.")})


@extension.declares
@noun("lin", lists=True, followed=True, creates="A new line item.", updates="A change of a line item.")
class LineItem(Tracked, table=True):
    """A line of something."""

    name: str = field("What it is.", NAME, filters=True)
    price: Money | None = field("What it costs.", Constraint(min=2, max=3))
    early: bool = computed(lambda row: row.c.name < "B", "Whether it comes before B.", orders="q")
    code: str | None = field("Its code.", Constraint(pattern="^[A-Z]{3}$"))
    from_: Date | None = field("From when on.", filters=True, orders="b", groups=("SINCE", "Since when."))
    hurry: Hurry | None = field("How soon it is wanted.", filters=True)
    urgent = flag("Whether it is wanted this week.", "hurry", at_least=Hurry.SOON)


@extension.declares
@noun("bil", label="bill", lists=True, followed=True, creates="A new bill.", updates="A change of a bill.")
class Receivable(Tracked, table=True):
    """What is called otherwise than its class."""

    name: str = field("What it is.", NAME, filters=True)


_MODULES = count()


@extension.field(LineItem, "Answers what its type can't show.", needs=("name",))
def wrong(item: strawberry.Parent[LineItem]) -> int | None:
    return item.name  # type: ignore[return-value]  as a careless author would


others = Extension("others")


@others.declares
@noun("lno", lists=True, creates="A new line note.")
class LineNote(Tracked, table=True):
    """A note of a line item, which another package declares."""

    line_item_id: ID = field("The line item.", to="LineItem", on_delete="cascade", filters=True, through="What must hold of the line item.")


ROWS: Any = (LineItem, Receivable)


@pytest.fixture
async def ask(database_url: str) -> AsyncIterator[Any]:
    """Asks a gateway with these nouns, whose tables are taken away again."""
    async with connected(database_url) as run:
        for row in ROWS:
            await run(row.__table__.create)
    database = open_database(database_url)
    await database.open()
    key = await ApiKeys(database).create(NewKey("Here", Role.ADMIN, "test"))
    await database.close()
    graph = Graph(open_database(database_url), extensions=[extension])
    async with calling(create_app(Settings(database_url=database_url, access_log=False), graph=graph)) as client:
        client.headers["authorization"] = f"Bearer {key.token}"

        async def ask(query: str) -> Any:
            answer = (await client.post("/graphql", json={"query": query})).json()
            assert "errors" not in answer, answer
            return answer["data"]

        ask.client = client  # type: ignore[attr-defined]
        yield ask
    async with connected(database_url) as run:
        for row in ROWS:
            await run(row.__table__.drop)


async def test_names(ask: Any) -> None:
    """A class of two words, and one with a label of its own, are made, changed, read and deleted by the names that the schema shows."""
    for name, many in (("lineItem", "lineItems"), ("bill", "bills")):
        verb = f"{name[0].upper()}{name[1:]}"
        made = (await ask(f'mutation {{ create{verb}(input: {{name: "A"}}) {{ {name} {{ id }} }} }}'))[f"create{verb}"][name]["id"]
        changed = await ask(f'mutation {{ update{verb}(id: "{made}", input: {{name: "B"}}) {{ {name} {{ name version }} }} }}')
        read = await ask(f'{{ {name}(id: "{made}") {{ name }} {many} {{ totalCount }} }}')
        gone = await ask(f'mutation {{ delete{verb}(id: "{made}") {{ deletedId }} }}')
        assert changed == {f"update{verb}": {name: {"name": "B", "version": 2}}}
        assert read == {name: {"name": "B"}, many: {"totalCount": 1}}
        assert gone == {f"delete{verb}": {"deletedId": made}}


async def test_words_of_python(ask: Any) -> None:
    """`from_` is `from` wherever the graph shows it: in what is given, read, filtered, ordered."""
    await ask('mutation { createLineItem(input: {name: "A", from: "2026-01-02"}) { userErrors { message } } }')
    found = await ask('{ lineItems(filter: {from: {gte: "2026-01-01"}}, orderBy: [{field: FROM}]) { nodes { from } } }')
    assert found == {"lineItems": {"nodes": [{"from": "2026-01-02"}]}}


async def test_an_answer_of_another_type(ask: Any) -> None:
    """What a resolver answers against its annotation is the gateway's defect, and not the caller's, who isn't shown the value."""
    await ask('mutation { createLineItem(input: {name: "secret"}) { userErrors { message } } }')
    answer = (await ask.client.post("/graphql", json={"query": "{ lineItems { nodes { name wrong } } }"})).json()
    assert answer["data"] == {"lineItems": {"nodes": [{"name": "secret", "wrong": None}]}}
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("INTERNAL_ERROR", ["lineItems", "nodes", 0, "wrong"])
    assert "secret" not in error["message"]


async def test_limits_of_amounts(ask: Any) -> None:
    """They are amounts as the schema shows them, not the cents that are stored."""
    told = []
    for price in ("1.99", "2", "3", "3.01"):
        made = await ask(f'mutation {{ createLineItem(input: {{name: "A", price: {price}}}) {{ userErrors {{ message }} }} }}')
        told.append([each["message"] for each in made["createLineItem"]["userErrors"]])
    assert told == [["`price` must be from 2 to 3."], [], [], ["`price` must be from 2 to 3."]]


async def test_orders_by_what_is_computed(ask: Any) -> None:
    """A list goes on behind a cursor by a boolean that the database computes."""
    for name in ("A", "B", "C"):
        await ask(f'mutation {{ createLineItem(input: {{name: "{name}"}}) {{ userErrors {{ message }} }} }}')
    order, found, after = "orderBy: [{field: EARLY, direction: DESC}]", [], ""
    for _ in range(3):
        page = (await ask(f"{{ lineItems(first: 1, {order}{after}) {{ nodes {{ name early }} pageInfo {{ endCursor }} }} }}"))["lineItems"]
        found += page["nodes"]
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert [each["early"] for each in found] == [True, False, False]
    assert {each["name"] for each in found} == {"A", "B", "C"}


async def test_flags_of_enums(ask: Any) -> None:
    """A condition that begins with a member of an enum finds what the column holds for it and for greater ones, however great."""
    for hurry in ("LATER", "SOON", "NOW", "null"):
        await ask(f'mutation {{ createLineItem(input: {{name: "A", hurry: {hurry}}}) {{ userErrors {{ message }} }} }}')
    found = await ask(
        "{ a: lineItems(filter: {urgent: true}) { nodes { hurry } } b: lineItems(filter: {urgent: false}) { nodes { hurry } } }"
    )
    assert {each["hurry"] for each in found["a"]["nodes"]} == {"SOON", "NOW"}
    assert [each["hurry"] for each in found["b"]["nodes"]] == ["LATER"]


async def test_patterns(ask: Any) -> None:
    """A text has the form that the schema shows, or the writer is told."""
    told = []
    for code in ("ABC", "abc", "ABC\\n"):
        made = await ask(f'mutation {{ createLineItem(input: {{name: "A", code: "{code}"}}) {{ userErrors {{ reason field message }} }} }}')
        told.append(made["createLineItem"]["userErrors"])
    fault = {"reason": "MALFORMED", "field": ["code"], "message": "`code` doesn't have the form ^[A-Z]{3}$."}
    assert told == [[], [fault], [fault]]


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "null by default": ("x: int", {"default": None}, "x has null by default, and can't be null"),
    "amounts are cents": ("x: Money", {"default": 12.5}, "x has 12.5 by default: give a value of the type int, whole cents"),
    "no text of a day": ("x: Date", {"default": 5}, "x has 5 by default: give a text such as 2025-04-30"),
    "no such day": ("x: Date", {"default": "2025-02-30"}, "x has '2025-02-30' by default: give a text such as 2025-04-30"),
    "outside of its limits": (
        "x: int",
        {"default": 1, "limits": Constraint(min=3)},
        "x has 1 by default, which its limits refuse: At least 3.",
    ),
    "lengths of a number": ("x: int", {"limits": Constraint(max_length=3)}, "x says Constraint(max_length=…), which a field of"),
    "bounds of a text": ("x: str", {"limits": Constraint(min=3)}, "keep: min_length and max_length and pattern and format would be kept"),
    "limits of a day": ("x: Date", {"limits": Constraint(max_length=3)}, "doesn't keep: no limits would be kept"),
    "a bound that is a text": ("x: int", {"limits": Constraint(min="3")}, "x says Constraint(min='3'), where a whole number is wanted"),  # type: ignore[arg-type]
    "bounds that cross": ("x: int", {"limits": Constraint(min=5, max=3)}, "x says Constraint(min=5, max=3), which nothing satisfies"),
    "no pattern": ("x: str", {"limits": Constraint(pattern="[a")}, "x says Constraint(pattern='[a'), which is no regular expression"),
    "a format": ("x: str", {"limits": Constraint(format="uri")}, "x says Constraint(format='uri'), of which `email` alone is kept"),
    "there already": ("version: int", {}, "version is there already"),
    "of SQLAlchemy": ("metadata: str", {}, "metadata has a name that SQLAlchemy needs: write `metadata_`"),
    "connective": ("and_: str", {"filters": True}, "and_ can't be filtered by: `and` connects conditions in a filter"),
    "letters": ("größe: int", {}, "größe would be `größe` in the graph"),
    "twice": ("na_me: str", {}, "are both `naMe` in the graph: rename one of them"),
}


@pytest.mark.parametrize("case", WRONG)
def test_lines_that_cannot_be_kept(case: str) -> None:
    """Refused when the class is declared, with the name of the field and what to write."""
    line, options, says = WRONG[case]
    attribute, _, annotation = line.partition(": ")
    known: dict[str, Any] = {"int": int, "str": str, "bool": bool, "float": float, "Money": Money, "ID": ID, "Date": Date}
    lines = {"naMe": field("Another.", NAME), attribute: field("One.", **options)}
    with pytest.raises(TypeError) as refused:
        declare(lines, {"naMe": str, attribute: known[annotation]})
    assert says in str(refused.value)


def declare(lines: dict[str, Any], annotations: dict[str, Any], name: str = "Wrong", **options: Any) -> None:
    """Declares a noun of these lines, as if in a module of its own; its table is not left in the metadata."""
    namespace = {"__doc__": "One.", "__module__": f"{__name__}.{next(_MODULES)}", "__annotations__": annotations, **lines}
    made: Any = type(Tracked)
    try:
        noun(**{"prefix": "wrg", "lists": True, **options})(made(name, (Tracked,), namespace, table=True))
        del NOUNS[name]
    finally:
        table = SQLModel.metadata.tables.get(name.lower())
        if table is not None and name.startswith("Wrong"):
            SQLModel.metadata.remove(table)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"plural": "wrong"}, "has 'wrong' for its label and for its plural"),
        ({"label": "a-b"}, "has the label 'a-b'"),
        ({"prefix": "A B"}, "has the prefix 'A B': write small letters and digits"),
        ({"name": "Wrong_er"}, "can't be the name of a type"),
        ({"name": "Account"}, "would have the table account, which is there already"),
        ({"name": "SqliteThing"}, "would have the table sqlite_thing, a name that databases keep"),
        ({"creates": "New.", "lines": {}}, "says `creates=`, but no field of it can be given"),
    ],
    ids=["plural", "label", "prefix", "type", "table", "database", "inputs"],
)
def test_nouns_that_cannot_be_kept(options: dict[str, Any], says: str) -> None:
    """Refused when the class is declared, with the name of the noun and what to write."""
    lines = options.pop("lines", {"name": field("One.", NAME)})
    with pytest.raises(TypeError) as refused:
        declare(lines, dict.fromkeys(lines, str), **options)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({}, "has 0 members"),
        ({f"M{place}": (place, "One.") for place in range(501)}, "has 501 members: give 1 to 500"),
        ({"A": (1, "One."), "B": ("b", "Two.")}, "all whole numbers or all texts"),
        ({"A": (1, "One."), "B": (1, "Two.")}, "each of its own"),
        ({"A": (2**31, "One.")}, "from -2,147,483,648 to 2,147,483,647"),
        ({"in progress": (1, "One.")}, "has a member 'in progress'"),
        ({"true": (1, "One.")}, "has a member 'true'"),
    ],
    ids=["none", "many", "mixed", "alike", "great", "blank", "true"],
)
def test_enums_that_cannot_be_kept(members: dict[str, tuple[Any, str]], says: str) -> None:
    """Refused when the enum is made, by its name."""
    with pytest.raises(TypeError, match=says):
        stored_enum("Wrongs", "Some.", members)


def test_packages_that_refer_to_each_other() -> None:
    """In whatever order they are named, tables come after those to which they refer; a package that isn't named is told."""
    assert [each.name for each in in_order([others, extension])] == ["ledger", "others"]
    assert "LineNote" in build(others, extension).schema.type_map
    with pytest.raises(TypeError, match=r"LineNote.line_item_id refers to LineItem, which tests.* declares: load that package, too"):
        build(others)
    lister = Extension("lister")
    lister.listed(Account, "lines", "Them.", LineItem, "id")
    with pytest.raises(TypeError, match=r"lister: listed 'lines' refers to LineItem, which tests.* declares: load that package, too"):
        build(lister)


def test_a_class_without_a_table() -> None:
    """A noun that forgets `table=True` is told to write it."""

    class Untabled(Tracked):
        """One."""

    with pytest.raises(TypeError, match=r"Untabled has no table: write `class Untabled\(Tracked, table=True\)`"):
        noun("unt")(Untabled)


def test_constraints_have_names() -> None:
    """What is unique and what refers has a name in a new revision, on the way up and down: SQLite can't add or take away one without."""
    before, after = MetaData(), MetaData()
    for metadata in (before, after):
        Table("parent", metadata, Column("id", Integer, primary_key=True))
        Table("child", metadata, Column("id", Integer, primary_key=True))
    child = after.tables["child"]
    for name in ("parent_id", "code"):
        child.append_column(Column(name, Integer))
    child.append_constraint(ForeignKeyConstraint(["parent_id"], ["parent.id"]))
    child.append_constraint(UniqueConstraint("code"))
    Table("third", after, Column("id", Integer, primary_key=True), Column("code", Integer), UniqueConstraint("code"))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        before.create_all(connection)
        script = produce_migrations(MigrationContext.configure(connection, opts={"render_as_batch": True}), after)
    name_constraints(script)
    up, down = (render_python_code(each, render_as_batch=True) for each in (script.upgrade_ops, script.downgrade_ops))
    for name in ("fk_child_parent_id", "uq_child_code"):
        assert name in up
        assert name in down
    assert "uq_third_code" in up
    engine.dispose()


def test_long_names_of_constraints() -> None:
    """One of 63 characters stays whole; longer ones, of which PostgreSQL keeps no more, end in a hash: they may begin alike."""
    assert _unique_name(["c" * 58]) == "uq_t_" + "c" * 58
    for columns, end in ((["c" * 59], "_e68d8212"), (["c" * 59, "d"], "_2c5cc7d0")):
        assert _unique_name(columns) == "uq_t_" + "c" * 49 + end


def _unique_name(columns: list[str]) -> str:
    """The name that a new revision gives to what is unique in the table `t`."""
    made = ops.CreateUniqueConstraintOp(None, "t", columns)
    name_constraints(ops.MigrationScript(None, ops.UpgradeOps([made]), ops.DowngradeOps([])))
    return str(made.constraint_name)


@pytest.mark.parametrize("name", ["website", "created_at"])
def test_a_field_of_a_name_that_is_there(name: str) -> None:
    """A field whose name in the graph is there already is refused, whatever its function is called: it would stand in that one's place."""
    package = Extension("shadows")
    package.field(Account, "Another.", name=to_camel_case(name))(_shadow)
    with pytest.raises(TypeError, match=f"shadows adds Account.{to_camel_case(name)}, which is there already"):
        build(package)


def _shadow(account: strawberry.Parent[Account]) -> str:
    return "another"


def test_needs_are_several() -> None:
    """A text in place of a tuple is told as such, and not by its first letter."""
    with pytest.raises(TypeError, match=r"write `needs=\('name',\)`"):
        Extension("careless").field(Account, "One.", needs="name")


@pytest.mark.parametrize("cost", ["a", -5, 1.5])
def test_costs_are_whole_numbers(cost: Any) -> None:
    """A text would fail every query of the field, and less than nothing would pay for what else a query asks."""
    with pytest.raises(TypeError, match=rf"cost={cost!r}, where a whole number from 0 on is wanted"):
        Extension("careless").field(Account, "One.", cost=cost)(_shadow)


def test_a_mutation_with_a_key_of_its_own() -> None:
    """Every mutation has one, which its function doesn't get: a parameter of that name would never be given."""

    def careless(idempotency_key: str) -> str | None:
        return idempotency_key

    with pytest.raises(TypeError, match="careless takes `idempotency_key`, which every mutation has by itself: leave the parameter out"):
        Extension("careless").mutation("One.")(careless)


@pytest.mark.parametrize("scope", ["abc", "abc:run", "A b:read", "", ":read"])
def test_scopes_that_no_token_can_have(scope: str) -> None:
    """Refused, since every token with scopes would be without it."""
    with pytest.raises(TypeError, match=rf"scope='{scope}', which no token can have: write a small word with `:read` or `:write` behind"):
        Extension("careless").query("One.", scope=scope)


def test_rules_in_the_place_of_others() -> None:
    """The rules of the gateway's own nouns, such as those of stages, can't be replaced without a word; what are no rules is told."""
    kept = Opportunity.__noun__.rules
    with pytest.raises(TypeError, match="Opportunity has rules already, OpportunityRules: those of Rules would replace them"):
        rules_of(Opportunity)(Rules)
    assert Opportunity.__noun__.rules is kept
    with pytest.raises(TypeError, match=r"object are to be the rules of Receivable: write `class …\(Rules\)`"):
        rules_of(Receivable)(object)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"rules_of\('Receivable'\), which is no noun: name the class"):
        rules_of("Receivable")


@pytest.mark.parametrize("kind", [dict, list, Any])
def test_a_type_that_the_graph_has_not(kind: Any) -> None:
    """The field is named, with its package, where Strawberry names the type that it is added to alone."""

    def careless(account: strawberry.Parent[Account]) -> kind:
        return account

    package = Extension("careless")
    package.field(Account, "One.")(careless)
    with pytest.raises(TypeError, match=r"^Account fields cannot be resolved\. .*: look at Account\.careless of careless$"):
        build(package)


def test_a_noun_without_parentheses() -> None:
    """`@noun` above a class is told what to write."""
    with pytest.raises(TypeError, match=r"careless adds a noun without parentheses: write `@noun\(…\)`"):
        Extension("careless").declares(noun(Receivable))  # type: ignore[arg-type]


def resource(place: Path, **options: Any) -> Resource:
    """A resource of accounts with one action, whose document lies in `place`, unless `options` say otherwise."""
    given: dict[str, Any] = {
        "name": "things",
        "one": "a thing",
        "keys": (Key(name="id"),),
        "actions": ("get",),
        "folder": place,
        **options,
    }
    return Resource(type="Account", schema="Thing", **given)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"one": "thing"}, "`one` is 'thing': write one of it with its article"),
        ({"keys": (Key(name="id"),) * 2}, "has a key twice among id, id"),
        ({"folder": "things"}, "things: `folder` is 'things': write the path of its documents"),
    ],
    ids=["article", "keys", "folder"],
)
def test_resources_that_cannot_be_kept(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    """Refused by the name of the resource."""
    with pytest.raises(DeclarationError, match=says):
        check_resources([resource(tmp_path, **options)])


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, r"get.graphql can't be read \(No such file"), ("query {", "get.graphql: Syntax Error")],
    ids=["missing", "syntax"],
)
def test_documents_that_cannot_be_read(tmp_path: Path, text: str | None, says: str) -> None:
    """Told by the name of the file, in place of a traceback."""
    if text is not None:
        (tmp_path / "get.graphql").write_text(text, "utf-8")
    with pytest.raises(DeclarationError, match=says):
        read_document(tmp_path / "get.graphql", build().schema)
