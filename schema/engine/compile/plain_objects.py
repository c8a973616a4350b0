"""Plain objects: what the code that writes them is, and the records and pages that they refer to, loaded before it runs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from graphql import GraphQLObjectType, get_named_type

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.values import Value

from .compiler import Compiler
from .cost import LIST, Cost, Size, costliest, paged
from .model import FieldModel
from .response_size import ABSENT, ParentCounts, ResponseSize
from .select import Batch
from .sources import ConnectionSource, OneOf, ToOne


class Loaded(Protocol):
    """Loads values that plain objects refer to by ids."""

    async def load(self, reader: DataReader, ids: Iterable[Value], variables: Variables) -> Mapping[Value, Value]:
        """Return the values of these ids, by id; null ids are skipped. Raises ResponseTooLarge."""


@dataclass(slots=True)
class Related:
    """Records that plain objects refer to, or pages that hang on them: loaded before the writer runs, which finds them as `name`."""

    name: str
    records: Loaded
    ids: str


@dataclass(slots=True)
class AttachedPages:
    """Pages that hang on plain objects, by the ids that these hold."""

    batch: Batch

    async def load(self, reader: DataReader, ids: Iterable[Value], variables: Variables) -> Mapping[Value, Value]:
        """The page of each id. Raises ResponseTooLarge."""
        found = [id_ for id_ in ids if id_ is not None]
        if not found:
            return {}
        keys = list(dict.fromkeys(found))
        parents = ParentCounts(keys, len(found) - len(keys) + 1, partial(Counter, found))
        pages: Mapping[Value, Value] = await self.batch.load(reader, parents, variables)
        return pages


@dataclass(slots=True)
class Plain:
    """A plain object being written: the code of the variable that holds it, what its ids are collected by, and its bytes."""

    variable: str
    collect: str
    related: list[Related] = field(default_factory=list)
    size: Size | None = None
    """The number of items of its list, where the arguments say it."""
    weight: ResponseSize = field(init=False)

    def __post_init__(self) -> None:
        self.weight = ResponseSize(self.variable)


def write_plain(compiler: Compiler, plain: Plain, type_: GraphQLObjectType, asked: list[Selected]) -> tuple[str, Cost]:
    """Return the code of a plain object in a variable, keyed by the names of the type's fields, and its cost."""

    def part(selected: Selected) -> tuple[str, Cost]:
        return _member(compiler, plain, compiler.model.field(type_.name, selected.name), selected)

    return compiler.members(type_, asked, plain.weight, part)


def _member(compiler: Compiler, plain: Plain, model: FieldModel, selected: Selected) -> tuple[str, Cost]:
    if isinstance(model.source, ToOne):
        return _related(compiler, plain, model.source, selected)
    if isinstance(model.source, ConnectionSource):
        batch, cost = compiler.connection(compiler, model.source, model, selected, 0)
        return _by_id(plain, model.source.of, AttachedPages(batch)), cost
    if isinstance(model.source, OneOf):
        related = [_related(compiler, plain, member, selected) for member in model.source.members]
        ids = [f"{plain.variable}[{member.column!r}]" for member in model.source.members]
        choices = " else ".join(f"{code} if {id_} is not None" for (code, _), id_ in zip(related, ids, strict=True))
        return f"({choices} else None)", costliest([cost for _, cost in related])
    code = f"{plain.variable}[{model.name!r}]"
    type_ = get_named_type(model.definition.type)
    if isinstance(type_, GraphQLObjectType):
        return _plain_object(compiler, plain, code, type_, model, selected)
    if not model.is_list:
        return compiler.value(model, code, plain.weight)
    plain.weight.text(code, None)
    return code, Cost()


def _plain_object(
    compiler: Compiler, plain: Plain, code: str, type_: GraphQLObjectType, model: FieldModel, selected: Selected
) -> tuple[str, Cost]:
    asked = compiler.selections.below(selected, type_)
    if not model.is_list:
        below = _inner(plain, code, None)
        inner, cost = write_plain(compiler, below, type_, asked)
        plain.weight.object(below.weight, code)
        return compiler.unless_absent(inner, code, model), cost
    item = f"{plain.variable}_"
    below = _inner(plain, item, code)
    related = len(plain.related)
    inner, cost = write_plain(compiler, below, type_, asked)
    plain.weight.items(below.weight, code)
    if plain.size:
        cost = paged(plain.size, cost)
    elif len(plain.related) > related:
        cost = cost.times(LIST)
    return f"[{inner} for {item} in {code}]", cost


def _related(compiler: Compiler, plain: Plain, source: ToOne, selected: Selected) -> tuple[str, Cost]:
    records, cost = compiler.records(compiler, source.type_name, selected)
    return _by_id(plain, source.column, records), cost


def _by_id(plain: Plain, key: str, loaded: Loaded) -> str:
    """The code of what belongs to the id that a plain object has under `key`."""
    name = f"x{len(plain.related)}"
    plain.weight.fixed += ABSENT
    plain.related.append(Related(name, loaded, plain.collect.format(f"{plain.variable}[{key!r}]")))
    return f"{name}.get({plain.variable}[{key!r}])"


def _inner(plain: Plain, variable: str, iterated: str | None) -> Plain:
    collect = plain.collect if iterated is None else f"[{{}} for {variable} in {iterated}]"
    return Plain(variable, collect, plain.related)
