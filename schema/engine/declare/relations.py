"""Declarations in a noun's class beside its columns: computed SQL, conditions, links, lists, histories, unions."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Literal, get_args

from sqlalchemy import Boolean, ColumnElement, FromClause
from strawberry import ID
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.enums import stored_value
from schema.engine.compile.filter_targets import AtLeast, LinkedTo
from schema.engine.compile.order import Sortable
from schema.engine.compile.sources import SOURCE, BackReference, ConnectionSource, OneOf, SqlExpression, ThroughLinks, ToMany, ToOne
from schema.engine.types.fields import Constraint, argument, optional
from schema.engine.types.scalars import Money
from schema.sql_types import Clause
from schema.storage.columns import Cents
from schema.values import Made, Value

from .base import NOUNS, Declaration, Filterable, Orderable, Reference, declares, row_of
from .columns import read_field
from .members import Argument, Member, list_of, with_arguments
from .options import Letter, check_name

_ORDERED = {int, bool, Money, type(None)}


@dataclass(slots=True)
class ComputedDeclaration(Declaration):
    """A field that the database computes by the whole-number SQL expression `build` makes of the table; `orders` as of `field`."""

    build: Callable[[FromClause], Clause]
    description: str
    _: KW_ONLY
    orders: Letter | None = None

    def check(self, place: str, table: FromClause) -> None:
        try:
            built = self.build(table)
        except AttributeError as error:
            raise TypeError(f"{place} can't be computed: {error}; the columns are {', '.join(table.c.keys())}") from None
        except Exception as error:
            raise TypeError(f"{place} can't be computed: {error}") from error
        if not isinstance(built, ColumnElement):
            raise TypeError(f"{place} is computed as {built!r}, which is no SQL: write an expression of the table's columns")
        if self.orders is not None and not {*(get_args(self.type) or [self.type])} <= _ORDERED:
            raise TypeError(f"{place} says orders, which of what is computed only whole numbers and booleans may say")

    def output(self) -> Member:
        return Member(self.attribute, self.type, read_field(self.description, {SOURCE: SqlExpression(self.build)}, self.attribute))

    def orderables(self, table: FromClause) -> Sequence[Orderable]:
        if self.orders is None:
            return ()
        types = {*(get_args(self.type) or [self.type])}
        held = Boolean() if bool in types else Cents()
        sortable = Sortable(self.orders, lambda row, _: self.build(row), held, type(None) in types)
        return [Orderable(self.attribute.removesuffix("_").upper(), self.description, sortable)]


computed = declares(ComputedDeclaration)


@dataclass(slots=True)
class FlagDeclaration(Declaration):
    """A condition of the filter alone: true where `column` has this value or a greater one, false where it has less."""

    description: str
    column: str
    _: KW_ONLY
    at_least: Made

    def check(self, place: str, table: FromClause) -> None:
        check_name(place, "column", self.column, table.c.keys())

    def filterables(self) -> Sequence[Filterable]:
        return [Filterable(self.attribute, bool, self.description, AtLeast(self.column, stored_value(self.at_least)))]


flag = declares(FlagDeclaration)


@dataclass(slots=True)
class LinkDeclaration(Declaration):
    """Records of the type `to`, whose ids a writer gives in their order. `one` is the filter's field for one of them, with its description.

    on_delete: whether one of them that is deleted is taken off this record, or can't be deleted.
    """

    description: str
    to: str
    by: ThroughLinks
    _: KW_ONLY
    limits: Constraint
    one: tuple[str, str]
    visible: Callable[[FromClause], ColumnElement[bool]]
    on_update: str
    on_delete: Literal["clear", "refuse"] = "refuse"

    @property
    def ids(self) -> str:
        """The name of the list of their ids, in inputs and in what an event keeps."""
        return f"{self.one[0]}s"

    def reference(self) -> Reference:
        return Reference(self.ids, to_camel_case(self.ids), self.to, self.on_delete, self.by)

    def output(self) -> Member:
        return Member(
            self.attribute, list_of(row_of(self.to)), read_field(self.description, {SOURCE: ToMany(self.to, self.by)}, self.attribute)
        )

    def given(self, *, creating: bool) -> Member:
        text = self.description if creating else f"{self.description} {self.on_update}"
        return Member(self.ids, list[ID] | None, optional(text, self.limits))

    def filterables(self) -> Sequence[Filterable]:
        name, description = self.one
        return [Filterable(name, ID, description, LinkedTo(self.by, self.ids, self.visible))]


linked = declares(LinkDeclaration)


@dataclass(slots=True)
class ListDeclaration(Declaration):
    """A page of the records that refer to this one."""

    description: str
    to: str
    by: BackReference | ThroughLinks

    def check(self, place: str, table: FromClause) -> None:
        check_name(place, "to", self.to, NOUNS)
        target = row_of(self.to)
        if not target.__noun__.lists:
            raise TypeError(f"{place} lists {self.to}, of which there are no lists: say `lists=True` of it")
        if isinstance(self.by, BackReference):
            check_name(place, "by", self.by.column, target.__table__.c.keys())

    def output(self) -> Member:
        made = row_of(self.to).__noun__.listing.field(self.description, ConnectionSource(self.to, self.by))
        return Member(self.attribute, None, made)


def listed(description: str, to: str, by: str | ThroughLinks) -> Made:
    """A page of records of the type `to`: those whose column `by` refers to this one, or that are linked with it."""
    return ListDeclaration(description, to, BackReference(by) if isinstance(by, str) else by)


_LAST = Argument("last", Annotated[int | None, argument("How many of the newest are told.", Constraint(min=0, max=100))], 100)


@dataclass(slots=True)
class NewestDeclaration(Declaration):
    """The newest of the rows that refer to this one, the oldest of these first."""

    description: str
    to: str
    by: BackReference
    last: Argument

    def check(self, place: str, table: FromClause) -> None:
        check_name(place, "to", self.to, NOUNS)
        for name in (self.by.column, *self.by.order):
            check_name(place, "by", name, row_of(self.to).__table__.c.keys())

    def histories(self) -> Sequence[tuple[str, str]]:
        return [(self.to, self.by.column)]

    def output(self) -> Member:
        source = ToMany(self.to, self.by, last=True)
        returns = list_of(row_of(self.to))
        return Member(self.attribute, None, with_arguments(returns, [self.last], self.description, {SOURCE: source}))


def newest(description: str, to: str, column: str, order: str, last: Argument = _LAST) -> Made:
    """The newest rows of the type `to` whose `column` refers to this one; `order` is unique among them, `last` the argument's form."""
    return NewestDeclaration(description, to, BackReference(column, (order,)), last)


@dataclass(slots=True)
class OneOfDeclaration(Declaration):
    """A member of a union: the record that the first column that isn't null refers to."""

    description: str
    union: Made
    members: tuple[ToOne, ...]

    def output(self) -> Member:
        return Member(self.attribute, self.union() | None, read_field(self.description, {SOURCE: OneOf(self.members)}, self.attribute))


def one_of(description: str, union: Callable[[], Value], **columns: str) -> Made:
    """A member of the union that `union` gives: of the types named by the columns, the first whose column isn't null."""
    return OneOfDeclaration(description, union, tuple(ToOne(type_name, column) for column, type_name in columns.items()))
