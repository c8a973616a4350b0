"""The base of declarations in a noun's class. By default a declaration adds nothing to the graph; subclasses override what they add."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec

from sqlalchemy import FromClause

from schema.engine.compile.filter_targets import Matching
from schema.engine.compile.order import Sortable
from schema.engine.compile.sources import ThroughLinks
from schema.values import Made, Value

from .members import Member

if TYPE_CHECKING:
    from .noun import Noun

P = ParamSpec("P")

CASCADE, CLEAR, REFUSE, RULES = "cascade", "clear", "refuse", "rules"
"""What happens to a record when the one that it refers to is deleted: it is deleted too; the reference becomes null; the deletion is
refused; the rules of the deleted record see to it.
"""

NOUNS: "dict[str, Noun]" = {}
"""All nouns that are declared, by the names of their types in the graph."""


def row_of(name: str) -> Made:
    """The class of a noun's rows, for declarations that refer to each other. Raises TypeError for a name that isn't declared."""
    if name not in NOUNS:
        raise TypeError(f"there is no noun {name}; declared are {', '.join(NOUNS)}")
    return NOUNS[name].row


@dataclass(frozen=True, slots=True)
class Filterable:
    """A field of a filter: its name in Python, the type of what it looks at, what it says, and where it looks."""

    name: str
    type: Made
    description: str
    match: Matching


@dataclass(frozen=True, slots=True)
class Orderable:
    """A value of an order's enum."""

    name: str
    description: str
    sortable: Sortable
    of_another: bool = False
    """Whether it is of a record that a reference refers to: these come last in the enum."""


@dataclass(frozen=True, slots=True)
class Groupable:
    """A value of a group's enum: its name and what it says, the column, the member of the group's type with the key of its value, and the
    type of the record that the column refers to.
    """

    name: str
    description: str
    column: str
    key: str
    member: Member
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to records of the type `to`: its column (or where the ids of links stand), and its field in inputs."""

    column: str
    field: str
    to: str
    on_delete: str
    link: ThroughLinks | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """A column that no two records of a workspace have the same value of; its field in inputs, and what people call it."""

    column: str
    field: str
    called: str


Derived = tuple[str, str, Callable[[str], str]]
"""A column, the one whose text it follows from, and how; it is null where that is."""


class Declaration:
    """A line of a noun's class. By itself it is nothing anywhere; what it is, it overrides."""

    attribute: str = ""
    type: Made = None
    """The name and the annotation of the declaration."""

    def bind(self, attribute: str, annotation: Made) -> None:
        """Set the name and the annotation of the declaration. Raises TypeError if the declaration does not fit them."""
        self.attribute, self.type = attribute, annotation

    def check(self, place: str, table: FromClause) -> None:
        """Raises TypeError, which says the `place`, for an option that names what isn't there."""

    def sql_column(self) -> Made:
        """SQLModel's field, None where it has no column."""
        return None

    def reference(self) -> Reference | None:
        """The foreign key of the declaration, if any."""
        return None

    def uniques(self) -> Unique | None:
        """The unique constraint of the declaration, if any."""
        return None

    def defaults(self) -> Sequence[tuple[str, Value]]:
        """The values of columns that a new record has unless others are given."""
        return ()

    def histories(self) -> Sequence[tuple[str, str]]:
        """The nouns whose rows belong to this record and go with it, each with its column that refers to the record."""
        return ()

    def derived(self) -> Sequence[Derived]:
        """The columns that follow from this one's value."""
        return ()

    def output(self) -> Member | None:
        """The member of the output type, if any."""
        return None

    def given(self, *, creating: bool) -> Member | None:
        """The member of the create or update input, if any."""
        return None

    def filterables(self) -> Sequence[Filterable]:
        """The filters that the declaration adds to lists."""
        return ()

    def orderables(self, table: FromClause) -> Sequence[Orderable]:
        """The orders that the declaration adds to lists."""
        return ()

    def group(self) -> Groupable | None:
        """The grouping that the declaration adds to sums, if any."""
        return None


def declares(kind: Callable[P, Declaration]) -> Callable[P, Made]:
    """A kind of declaration as written in a class; the type checker uses the annotation before it."""
    return kind
