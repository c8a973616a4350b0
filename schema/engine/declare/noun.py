"""A noun: what a class of stored rows is called, who sees it, and everything that the graph makes of its declarations."""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeVar

from sqlalchemy import ColumnElement, FromClause
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from schema.engine.compile.aggregates import SummarySql
from schema.engine.compile.filter_targets import kept_state
from schema.engine.compile.sources import OwnedBy, SeenWith
from schema.rules.scopes import declare as declare_scopes
from schema.values import Made, Value

from .base import NOUNS, Declaration
from .checks import check
from .lists import Lists, filterables
from .options import Area, check_name, check_options
from .sql import Stored

T = TypeVar("T", bound=type[Stored])


@dataclass(slots=True)
class Noun:
    """Makes a class of stored rows a type of the graph; its docstring is the type's description. What is derived of it is kept here, too.

    prefix: of its ids. label, plural: what people call one and many, `person` with "who". visible: what a limited viewer
    sees, all if not given. search: the column that `search` looks at. key: the column that tells rows apart. unlisted: such a viewer meets
    rows through others alone. scope: the area of the scopes that tokens need for it, what many are called if not given. lists: there
    are pages of it. summary: the type and the SQL of numbers over all that match. creates, updates: the descriptions of its inputs; without
    them there are none. followed: an event tells of each change.
    """

    prefix: str | None = None
    _: KW_ONLY
    label: str = ""
    plural: str = ""
    person: bool = False
    visible: Callable[[FromClause], ColumnElement[bool]] | None = None
    search: str | None = None
    key: str = "id"
    unlisted: bool = False
    scope: Area = ""
    summary: tuple[Made, SummarySql] | None = None
    lists: bool = False
    creates: str | None = None
    updates: str | None = None
    followed: bool = False
    row: type[Stored] = field(init=False)
    rules: Value = field(default=None, init=False)
    """The noun's `Rules` for writing its records; None if there are none."""
    listing: Lists | None = field(default=None, init=False)
    output: Made = field(default=None, init=False)
    create: Made = field(default=None, init=False)
    update: Made = field(default=None, init=False)
    payload: Value = field(default=None, init=False)

    def __call__(self, row: T) -> T:
        """Declares the noun of a class of rows. Raises TypeError if the name is taken, and for declarations that can't be derived."""
        name = row.__name__
        if name in NOUNS:
            raise TypeError(f"there is a noun {name} already, in {NOUNS[name].row.__module__}")
        check_options(self, f"noun of {name}")
        if not row.__doc__:
            raise TypeError(f"{name} has no docstring, which describes its type in the graph")
        self.row = row
        self.label = self.label or to_snake_case(name).replace("_", " ")
        self.plural = self.plural or f"{self.label}s"
        self.scope = self.scope or self.plural.replace(" ", "_")
        check(self)
        for option, column in (("search", self.search), ("key", self.key), ("visible", getattr(self.visible, "column", None))):
            if column is not None:
                check_name(f"noun of {name}", option, column, row.__table__.c.keys())
        declare_scopes(self.scope, written=bool(self.creates or self.updates))
        NOUNS[name] = row.__noun__ = self
        return row

    @property
    def name(self) -> str:
        """The name of its type in the graph."""
        return self.row.__name__

    @property
    def member(self) -> str:
        """Its name in Python where one of it is read."""
        return self.label.replace(" ", "_").lower()

    @property
    def graph_name(self) -> str:
        """The name in the graph of the field that gives one of it."""
        return to_camel_case(self.member)

    @property
    def a_label(self) -> str:
        """Its label with an article."""
        return f"{'an' if self.label[0] in 'AEIOUaeio' else 'a'} {self.label}"

    @property
    def state(self) -> frozenset[str]:
        """The columns of a record that an event keeps: those that filters and the visibility of a limited viewer need."""
        limit = {self.visible.column} if isinstance(self.visible, OwnedBy) else set()
        return kept_state(each.match for each in filterables(self)) | limit

    @property
    def declared(self) -> Iterator[Declaration]:
        """Its declarations, in the order of the class."""
        return iter(self.row.__declared__.values())


def seen_with(column: str, row: Value) -> SeenWith | None:
    """Visibility by reference: callers who see the record of class `row` that `column` refers to see this one too.

    Raises TypeError if that record's visibility is a condition of its own.
    """
    visible = row.__noun__.visible
    if visible is None:
        return None
    if isinstance(visible, OwnedBy | SeenWith):
        return SeenWith(column, row.__table__, visible)
    raise TypeError(f"{row.__name__} is seen by a condition of its own: write a condition for what refers to it, too.")


noun = Noun
"""As a decorator: `@noun("acc", lists=True)` above the class of the rows."""
