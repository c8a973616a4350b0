"""Which scopes an operation needs: worked out once for a document, and compared with the scopes of each token that has any.

A field of a record needs the scope to read such records. Only the id needs none where a record is merely referred to, since the record that
refers to it holds that id. A list, a record by its id, a number over many and an event need the scope whatever is asked of them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_abstract_type

from schema.engine.document.filter_size import check_size
from schema.engine.document.selections import Selected, Selections
from schema.engine.document.variables import Variables
from schema.rules.errors import GatewayError
from schema.rules.scopes import READ, WRITE, scope
from schema.values import Value, Values

from .arguments import read_arguments
from .model import FieldModel, Model
from .sources import (
    SCOPE,
    WRITES,
    Aggregate,
    AllRows,
    BackReference,
    ConnectionSource,
    EventSource,
    FromCaller,
    NodeById,
    RecordById,
    ResolverSource,
    ToMany,
    WritePreview,
    metadata,
)

ROOTS = {"query": "query_type", "mutation": "mutation_type", "subscription": "subscription_type"}
_ID = "id"

Looked = Callable[[Variables], Iterable[str]]
"""Tells the scopes that an operation's arguments need, which are known with its variables."""


@dataclass(slots=True)
class RequiredScopes:
    """The scopes that an operation needs: those of its fields and of its arguments. No scope gives access to `undecided` fields."""

    scopes: set[str] = field(default_factory=set)
    undecided: list[str] = field(default_factory=list)
    looked: list[Looked] = field(default_factory=list)

    def missing(self, held: frozenset[str], variables: Variables) -> list[str]:
        """The needed scopes that aren't among the `held`, sorted."""
        found = self.scopes - held
        for look in self.looked:
            with suppress(GatewayError):  # Malformed arguments are reported when the operation runs.
                found.update(each for each in look(variables) if each not in held)
        return sorted(found)


class Scopes:
    """The scopes of each field, as the types declare them."""

    def __init__(self, model: Model) -> None:
        schema: Any = model.schema
        self._model = model
        self._roots = {type_.name: kind for kind, name in ROOTS.items() if (type_ := getattr(schema, name)) is not None}
        self._types: dict[str, str] = model.by_prefix()

    def read_scopes(self, type_name: str) -> frozenset[str]:
        """The scopes that reading records of a type needs."""
        area = self._model.stored(type_name).area
        return frozenset() if area is None else frozenset({scope(area, READ)})

    def of_field(self, type_name: str, name: str) -> frozenset[str] | None:
        """Return the scopes that a field needs by itself, without the fields below it; None if they are not declared."""
        model = self._model.field(type_name, name)
        kind = self._roots.get(type_name)
        if kind is None:
            return self._of_member(model)
        own = metadata(model.definition)
        if own.get(SCOPE) is not None:
            return frozenset({own[SCOPE]})
        if kind == "mutation":
            return self._writing(own[WRITES]) if WRITES in own else None
        return self._of_root(model.source)

    def _writing(self, type_name: str) -> frozenset[str] | None:
        area = self._model.stored(type_name).area
        return None if area is None else frozenset({scope(area, WRITE)})

    def _of_root(self, source: Value) -> frozenset[str] | None:
        if isinstance(source, WritePreview):
            return self._writing(source.type_name)
        if isinstance(source, ConnectionSource | RecordById | AllRows | Aggregate | EventSource):
            return self.read_scopes(source.type_name)
        # Fields about the caller, and those that are the same for all, need no scope; ids are looked at with the variables.
        return frozenset() if isinstance(source, FromCaller | NodeById) else None

    def _of_member(self, model: FieldModel) -> frozenset[str]:
        found = frozenset[str]()
        if self._model.is_stored(model.type_name) and model.name != _ID:
            found |= self.read_scopes(model.type_name)
        if isinstance(model.source, ResolverSource) and (own := metadata(model.definition).get(SCOPE)) is not None:
            found |= {own}
        # Links are the record's own, as references are; what refers to the record is not.
        if isinstance(model.source, ConnectionSource) or (isinstance(model.source, ToMany) and isinstance(model.source.by, BackReference)):
            found |= self.read_scopes(model.source.type_name)
        return found

    def needs(self, selections: Selections, kind: str) -> RequiredScopes:
        """Return the scopes that an operation of a `kind` needs."""
        found = RequiredScopes()
        root = getattr(self._model.schema, ROOTS[kind])
        self._add(found, selections, root, selections.root(root))
        return found

    def _add(self, found: RequiredScopes, selections: Selections, type_: GraphQLObjectType, asked: Iterable[Selected]) -> None:
        for selected in asked:
            if selected.name.startswith("__"):
                continue
            own = self.of_field(type_.name, selected.name)
            if own is None:
                found.undecided.append(f"{type_.name}.{selected.name}")
            found.scopes |= own or frozenset()
            model = self._model.field(type_.name, selected.name)
            if selected.node.arguments and (look := self._look(model, selected)) is not None:
                found.looked.append(look)
            for below in self._objects(model):
                self._add(found, selections, below, selections.below(selected, below))

    def _objects(self, model: FieldModel) -> list[GraphQLObjectType]:
        type_ = get_named_type(model.definition.type)
        if is_abstract_type(type_):
            return list(self._model.schema.get_possible_types(type_))
        return [type_] if isinstance(type_, GraphQLObjectType) else []

    def _look(self, model: FieldModel, selected: Selected) -> Looked | None:
        """Return the function that finds the scopes of a field's arguments; None if they concern no other records than the field itself."""
        source = model.source
        arguments = read_arguments(model.definition, selected.node)
        if isinstance(source, NodeById):
            return lambda variables: self._of_ids(arguments(variables))
        if isinstance(source, ConnectionSource | Aggregate | EventSource):
            type_name = source.type_name
            return lambda variables: self._of_narrowing(type_name, arguments(variables))
        return None

    def _of_ids(self, given: Values) -> Iterator[str]:
        """The scopes of the records that ids name: by its prefix an id says what it is of."""
        for id_ in given["ids"] if "ids" in given else [given[_ID]]:
            type_name = self._types.get(id_.partition("_")[0])
            if type_name is not None:
                yield from self.read_scopes(type_name)

    def _of_narrowing(self, type_name: str, given: Values) -> Iterator[str]:
        """Return the scopes of records that a filter or an order reads through references: the results reveal their values."""
        filter_, ordering = given.get("filter"), self._model.stored(type_name).ordering
        if filter_:
            check_size(filter_)
            for other in self._model.filters[type_name].types(filter_):
                yield from self.read_scopes(other)
        for term in given.get("orderBy") or ():
            related = None if ordering is None else ordering.type_of(term["field"].value)
            if related is not None:
                yield from self.read_scopes(related)
