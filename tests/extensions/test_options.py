"""Options of declarations that can't be meant: refused at start in a sentence that names noun, field, option and what may stand there."""

from collections.abc import Iterator
from itertools import count

import pytest
from sqlmodel import SQLModel

from schema.assembly import BuiltSchema, build
from schema.engine.compile.model import Model
from schema.engine.declare.noun import NOUNS, Noun
from schema.engine.declare.options import check_options
from schema.extensions import Extension
from schema.rules.errors import BadRequest

CLASS = """
from sqlalchemy import Float, Index
from schema.declaring import *
from schema.engine.declare.relations import flag, newest
@extension.declares
@noun("{prefix}", lists=True{noun})
class {name}(Tracked, table=True):
    "A noun with a fault."
    __table_args__ = {arguments}
    title: str = field("A title.", NAME, filters=True{title})
    deal_id: ID = field("A deal.", to="Opportunity", filters=True{deal})
    {line}
extension.listed({listed})
"""
NUMBERS = count(1)


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a class that is forgotten after the test."""
    name = f"Faulty{next(NUMBERS)}"
    yield name
    NOUNS.pop(name, None)
    if (table := SQLModel.metadata.tables.get(name.lower())) is not None:
        SQLModel.metadata.remove(table)


def declared(name: str, **parts: str) -> BuiltSchema:
    """Makes the graph with a noun of this name, whose declaration has these parts."""
    extension = Extension("faulty")
    given = {
        "noun": "",
        "title": "",
        "deal": "",
        "line": "",
        "arguments": "()",
        "listed": f"Opportunity, 'them', 'Them.', {name}, 'deal_id'",
    }
    exec(CLASS.format(name=name, prefix=name.lower(), **given | parts), {"extension": extension})
    return build(extension)


@pytest.mark.parametrize(
    ("part", "text", "says"),
    [
        ("title", ', unique=("titel", "a title")', ".title says unique='titel', which isn't there; there are created_at"),
        ("title", ', unique="title"', ".title says unique='title', where tuple[str, str] | None is wanted"),
        ("title", ", unique=True", ".title says unique=True, where"),
        ("title", ", orders=True", ".title says orders=True, where Optional[str like '[a-z]'] is wanted"),
        ("title", ', orders="f"', "have the same letter: TITLE f, CREATED_AT f, UPDATED_AT g"),
        ("title", ', groups="TITLE"', ".title says groups='TITLE', where tuple["),
        ("title", ', groups=("A B", "b")', ".title says groups=('A B', 'b'), where tuple["),
        ("title", ', folded="title_folded"', ".title says folded='title_folded', which isn't there; there are workspace_id, id"),
        ("title", ', longest="5"', ".title says longest='5', where int | None is wanted"),
        ("title", ', read_only="x"', ".title says read_only='x', where bool is wanted"),
        ("title", ', stored_as="text"', ".title says stored_as='text', where type[TypeEngine]"),
        ("title", ', through="x"', ".title says through, which a reference may say alone"),
        ("title", ', ordered_by={"X": ("c", "name", "t")}', ".title says ordered_by, which a reference may say alone"),
        ("deal", ', ordered_by={"X": ("c", "nosuch", "t")}', ".deal_id says ordered_by='nosuch', which isn't there; there are name"),
        ("title", ", admins=True", ".title says admins=True: then lists can't be filtered, ordered or grouped by it"),
        ("deal", ', ordered_by={"X": ("c", "name")}', ".deal_id says ordered_by={'X': ('c', 'name')}, where"),
        ("deal", ', on_delete="casscade"', ".deal_id says on_delete='casscade', where Literal['cascade', 'clear'"),
        ("line", 'other_id: ID = field("x", to="Oportunity")', ".other_id says to='Oportunity', which isn't there; there are "),
        ("line", 'other_id: ID = field("x", to=Opportunity)', ".other_id says to="),
        ("line", 'other: str = field("x", 5)', ".other says limits=5, where Constraint | None is wanted"),
        ("line", 'other: dict = field("x")', ".other: no column type is known for <class 'dict'>"),
        ("line", 'other: float = field("x", stored_as=Float, filters=True)', ".other: no filter is known for <class 'float'>"),
        ("line", 'other = field("x")', ".other: there is no annotation"),
        ("line", 'other: int = field("x", default="a")', ".other has 'a' by default: give a value of the type int"),
        ("line", 'other: str = field("x", default=[])', ".other has [] by default: give a value of the type str"),
        ("line", "other: str = field(5)", ".other says description=5, where str is wanted"),
        ("line", 'other: bool = flag("x", "nosuch", at_least=5)', ".other says column='nosuch', which isn't there"),
        ("line", 'other: int = computed("nosuch", "x")', ".other says build='nosuch', where Callable"),
        ("line", 'other: int = computed(lambda row: row.c.nosuch, "x")', ".other can't be computed: nosuch; the columns are"),
        ("line", 'other: int = computed(lambda row: 5, "x")', ".other is computed as 5, which is no SQL: write an expression"),
        ("line", 'other: int | None = computed(lambda row: None, "x")', ".other is computed as None, which is no SQL"),
        ("line", 'other: int = computed(lambda row: 1 / 0, "x")', ".other can't be computed: division by zero"),
        ("line", 'other: int = computed(lambda: 5, "x")', "<lambda>() takes 0 positional arguments but 1 was given"),
        ("line", 'other: str = computed(lambda row: row.c.title, "x", orders="q")', ".other says orders, which of what is computed only"),
        ("line", 'other: list = newest("x", "StageChange", "nosuch", "sequence")', ".other says by='nosuch', which isn't there"),
        ("noun", ', search="nosuch"', " says search='nosuch', which isn't there"),
        ("noun", ', visible="deal_id"', " says visible='deal_id', where Callable"),
        ("noun", ', visible=seen_with("nosuch", Opportunity)', " says visible='nosuch', which isn't there"),
        ("noun", ", label=3", " says label=3, where str is wanted"),
        ("noun", ', scope="a b"', " says scope='a b', where str like '[a-z][a-z0-9_]*' is wanted"),
        ("noun", ', summary="x"', " says summary='x', where tuple"),
        ("arguments", '(Index("ix_faulty", "nosuch"),)', "no column named 'nosuch' is present. Its fields are workspace_id"),
        ("arguments", 'Index("ix_faulty", "title")', " says __table_args__="),
        ("listed", 'Opportunity, "them", "Them.", "Faulty", "deal_id"', "adds 'Faulty', which is no noun"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_meant(name: str, part: str, text: str, says: str) -> None:
    """A wrong type or a wrong name is told where it stands, with what is wanted or what there is."""
    with pytest.raises(TypeError) as refused:
        declared(name, **{part: text})
    assert says in str(refused.value)
    assert part == "listed" or name.lower() in str(refused.value).lower()


def test_a_list_by_a_column_that_is_not_there(name: str) -> None:
    """It names the package, the list and the columns."""
    with pytest.raises(TypeError, match="faulty, listed 'them', says by='nosuch', which isn't there; there are workspace_id"):
        declared(name, listed=f"Opportunity, 'them', 'Them.', {name}, 'nosuch'")


@pytest.mark.parametrize(("owner", "column", "fit"), [("Account", "deal_id", "none"), ("Opportunity", "title", "deal_id")])
def test_a_list_by_a_column_that_refers_to_something_else(name: str, owner: str, column: str, fit: str) -> None:
    """It would be empty for ever: it is refused, and the columns that refer to the owner are told."""
    with pytest.raises(TypeError, match=f"faulty, listed 'them', says by='{column}', which doesn't refer to {owner}; .* that do: {fit}$"):
        declared(name, listed=f"{owner}, 'them', 'Them.', {name}, '{column}'")


def test_a_filter_of_very_many_conditions(name: str) -> None:
    """98 objects with all flags of a noun that has eleven are refused in words: there is a name for 1,000 values, and none for more."""
    flags = [f"flag{place}" for place in range(11)]
    built = declared(name, line="\n    ".join(f'{each}: bool = field("It is {each}.", default=False, filters=True)' for each in flags))
    filters, given = Model(built.schema).filters[name], dict.fromkeys(flags, True)
    assert len(filters.read({"and": [given] * 90}).values) == 990
    with pytest.raises(BadRequest, match="The filter has more than 1,000 conditions: ask for less at once"):
        filters.read({"and": [given] * 98})


@pytest.mark.parametrize("scope", ["line_items", "area51"])
def test_areas_of_scopes(scope: str) -> None:
    """The area of a noun's scopes may have digits, as an area that is made of a class's name or a package's may."""
    check_options(Noun("any", scope=scope), "here")
