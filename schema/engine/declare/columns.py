"""Columns of a noun that the graph shows, references to other records among them."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import strawberry
from sqlalchemy import FromClause, func
from sqlalchemy.types import TypeEngine
from sqlmodel import Field

from schema.engine.compile.filter_targets import Equals, Fold, Match, Through
from schema.engine.compile.order import Sortable, column_order, related_order
from schema.engine.compile.sources import CLEARS, COLUMN, FOR_ADMINS, LONGEST, SOURCE, Column, ToOne
from schema.engine.types.fields import Constraint, optional, required
from schema.rules.text import LONGEST_NAME, fold, fold_name
from schema.storage.columns import CodePointText
from schema.values import Made, Object, Value, Values

from .base import NOUNS, Declaration, Derived, Filterable, Groupable, Orderable, Reference, Unique, declares, row_of
from .members import Member, graph_name, named
from .options import EnumName, Letter, check_name
from .types import MISSING, UnfoldedText, sql_type


@dataclass
class FieldDeclaration(Declaration):
    """A column that the graph shows, under `description`, within `limits`.

    column: the name of the column, where that is not the attribute's. to: the type of the record that it refers to, which is what is
    read; `loose` without a foreign key. on_delete: what happens when that record is deleted: this one is deleted too, or the reference
    becomes null, or the deletion is refused, or the rules of that record see to it. in_sight: a limited viewer who sees this record sees
    that one too, so that it may follow events by it. unique: the column that no two records of a workspace
    have the same value of, and what people call it. filters: lists can be narrowed by it; `through` describes conditions on the record
    that it refers to, if there may be any. folded: the column with its case-folded text, or the expression for it, to search and to order
    by. orders: lists can be ordered by it; the letter stands for it in cursors and never changes. ordered_by: the same by fields of the
    record that it refers to: the names of the enum, each with its letter, the field, and the description. groups: sums can be grouped
    by it, under this name and description. read_only: nobody gives it. on_create: what the input of creation says beyond the
    description; a field with `on_create` may be left out on creation. creates: whether it is given on creation at all. admins: all
    others read null. longest: characters that it has at most, where no limit says so. default, stored_as: the column's, where the
    annotation doesn't say them.
    """

    description: str
    limits: Constraint | None = None
    _: KW_ONLY
    column: str | None = None
    to: str | None = None
    default: Value = MISSING
    stored_as: type[TypeEngine[Value]] | TypeEngine[Value] | None = None
    filters: bool = False
    through: str | None = None
    folded: Fold | None = None
    orders: Letter | None = None
    groups: tuple[EnumName, str] | None = None
    ordered_by: Mapping[EnumName, tuple[Letter, str, str]] | None = None
    read_only: bool = False
    on_create: str | None = None
    creates: bool = True
    admins: bool = False
    longest: int | None = None
    loose: bool = False
    on_delete: Literal["cascade", "clear", "refuse", "rules"] = "refuse"
    unique: tuple[str, str] | None = None
    in_sight: bool = False

    def bind(self, attribute: str, annotation: Made) -> None:
        """Raises TypeError where there is no annotation."""
        if annotation is None:
            raise TypeError(f"there is no annotation: write `{attribute}: str = field(…)`")
        inner = [each for each in get_args(annotation) if each is not type(None)]
        super().bind(attribute, inner[0] if len(inner) < len(get_args(annotation)) else annotation)
        self.nullable = self.type is not annotation

    def check(self, place: str, table: FromClause) -> None:
        if isinstance(self.folded, str):
            check_name(place, "folded", self.folded, table.c.keys())
        if self.to is None and (self.through is not None or self.ordered_by):
            raise TypeError(
                f"{place} says {'ordered_by' if self.ordered_by else 'through'}, which a reference may say alone: give `to`, too"
            )
        if self.to is not None:
            check_name(place, "to", self.to, NOUNS)
            declared = row_of(self.to).__declared__
            for _, name, _ in (self.ordered_by or {}).values():
                check_name(place, "ordered_by", name, [each for each, found in declared.items() if isinstance(found, FieldDeclaration)])
                if declared[name].admins:
                    raise TypeError(f"{place} says ordered_by {name}, which is for admins alone: its order would tell others what it is")
        if self.admins and (self.filters or self.orders or self.groups or self.ordered_by or self.through):
            raise TypeError(
                f"{place} says admins=True: then lists can't be filtered, ordered or grouped by it, which would tell others what it is"
            )

    def sql_column(self) -> Made:
        options: Object = {"sa_type": self.stored_as or sql_type(self.type)}
        if self.nullable:
            options |= {"default": None, "nullable": True}
        if self.column is not None:
            options["sa_column_kwargs"] = {"name": self.column}
        return Field(**options | ({} if self.default is MISSING else {"default": self.default}))

    def reference(self) -> Reference | None:
        if self.to is None or self.loose:
            return None
        return Reference(self.stored, graph_name(self.attribute), self.to, self.on_delete)

    def uniques(self) -> Unique | None:
        return None if self.unique is None else Unique(self.unique[0], graph_name(self.member), self.unique[1])

    def defaults(self) -> Sequence[tuple[str, Value]]:
        return () if self.default is MISSING else [(self.stored, self.default)]

    def derived(self) -> Sequence[Derived]:
        # What lists are ordered by must fit into an index and a cursor.
        return [(self.folded, self.stored, fold_name if self.orders else fold)] if isinstance(self.folded, str) else ()

    @property
    def member(self) -> str:
        """Its name in Python where it is read: a reference is read as the record that it refers to."""
        return self.attribute.removesuffix("_id") if self.to else self.attribute

    @property
    def stored(self) -> str:
        """The name of its column."""
        return self.column or self.attribute

    def output(self) -> Member:
        source = Column(self.stored) if self.to is None else ToOne(self.to, self.attribute)
        metadata: Object = {SOURCE: source}
        longest = self.longest or (self.limits.max_length if self.limits else None)
        if isinstance(longest, int):
            metadata[LONGEST] = longest
        if self.admins:
            metadata[FOR_ADMINS] = True
        type_ = self.type if self.to is None else row_of(self.to)
        text = f"{self.description} Null for callers who are not admins." if self.admins else self.description
        return Member(self.member, type_ | None if self.nullable or self.admins else type_, read_field(text, metadata, self.member))

    def given(self, *, creating: bool) -> Member | None:
        note = self.on_create if creating else None
        if self.read_only or (creating and not self.creates):
            return None
        text = self.description if note is None else f"{self.description} {note}"
        name = self.attribute if self.to else self.member
        must = creating and not self.nullable and note is None and self.default is MISSING
        options: Object = {"name": named(name), "metadata": {COLUMN: self.stored, CLEARS: self.nullable}}
        made = (required if must else optional)(text, self.limits, **options)
        return Member(name, self.type if must else self.type | None, made)

    def filterables(self) -> Sequence[Filterable]:
        if not self.filters:
            return ()
        name = self.attribute if self.to else self.member
        match = Equals(self.stored) if self.type is bool else Match(self.stored, self.folded, self.to, self.in_sight)
        exact = self.type is str and self.folded is None
        found = [Filterable(name, UnfoldedText if exact else self.type, self.description, match)]
        if self.to and self.through:
            found.append(Filterable(self.member, self.to, self.through, Through(self.attribute, self.to)))
        return found

    def orderables(self, table: FromClause) -> Sequence[Orderable]:
        found = []
        if self.orders:
            found.append(Orderable(self.member.removesuffix("_").upper(), self.description, self.sortable(self.orders, table)))
        for name, (code, field_, text) in (self.ordered_by or {}).items():
            target = row_of(self.to or "")
            by = target.__declared__[field_].sortable(code, target.__table__)
            order = related_order(code, self.attribute, target.__table__, by, target.__noun__.visible, target.__name__)
            found.append(Orderable(name, text, order, of_another=True))
        return found

    def group(self) -> Groupable | None:
        if self.groups is None:
            return None
        value, text = self.groups
        name = value.lower()
        type_ = self.type if self.to is None else row_of(self.to)
        metadata = {} if self.to is None else {SOURCE: ToOne(self.to, self.attribute)}
        member = Member(name, type_ | None, read_field(text, metadata, name))
        return Groupable(value, text, self.stored, self.attribute if self.to else graph_name(name), member, self.to)

    def sortable(self, code: str, table: FromClause) -> Sortable:
        """The order by its column, or by its case-folded text."""
        build = self.folded
        if build is None or isinstance(build, str):
            return column_order(code, table.c[build or self.stored])
        return Sortable(code, lambda row, _: func.substr(build(row), 1, LONGEST_NAME), CodePointText(), self.nullable)


def read_field(description: str, metadata: Values, member: str) -> Made:
    """A field of an output type that is read from its metadata's source."""
    return strawberry.field(description=description, metadata=dict(metadata), name=named(member))


field = declares(FieldDeclaration)
