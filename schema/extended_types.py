"""The types of the graph with what packages add to them, for as long as a schema is made of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from strawberry.types.enum import EnumValue
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.sources import BackReference
from schema.engine.declare.base import NOUNS, row_of
from schema.engine.declare.codes import ErrorReason
from schema.engine.declare.columns import FieldDeclaration
from schema.engine.declare.derive import derive, many, one
from schema.engine.declare.groups import groups, is_grouped
from schema.engine.declare.noun import Noun
from schema.engine.declare.relations import ListDeclaration
from schema.engine.declare.writes import VERSION, changes, creates, deletes
from schema.nouns.all import BUILT_IN
from schema.nouns.event_types import followed
from schema.values import Made, Object, Value

from .extensions import Extension

Roots = tuple[type, type, type]
"""Query, Mutation, Subscription."""


def nouns_of(extensions: Sequence[Extension]) -> list[Noun]:
    """All nouns of a graph with these extensions."""
    return [*BUILT_IN, *[noun for extension in extensions for noun in extension.nouns]]


@contextmanager
def added(extensions: Sequence[Extension], roots: Roots) -> Iterator[None]:
    """The types with what `extensions` add; afterwards they are as they were.

    Raises TypeError, which names the package, for what is there already or can't be honoured.
    """
    _check_prefixes(extensions)
    _check_references(extensions)
    before: list[tuple[Made, str, list[Value]]] = []

    def extend(definition: Made, attribute: str, more: Iterable[Value]) -> None:
        kept = getattr(definition, attribute)
        before.append((definition, attribute, kept))
        setattr(definition, attribute, [*kept, *more])

    try:
        derive([noun for extension in extensions for noun in extension.nouns if noun.output is None])
        for extension in extensions:
            reasons = [EnumValue(name, name, description=text) for name, text in extension.reasons.items()]
            extend(ErrorReason.__strawberry_definition__, "values", reasons)
        for extension in extensions:
            for owner, field in _fields(extension, roots):
                extend(_definition(extension, owner, field), "fields", [field])
        yield
    finally:
        for definition, attribute, kept in reversed(before):
            setattr(definition, attribute, kept)


def _fields(extension: Extension, roots: Roots) -> Iterator[tuple[Made, StrawberryField]]:
    """Yield the fields that an extension adds, each with the type that it is added to."""
    for noun in extension.nouns:
        if noun.prefix is None:
            continue
        for root, fields in zip(roots, (_queries(noun), _mutations(noun), _subscriptions(noun)), strict=True):
            yield from ((root, _named(name, field)) for name, field in fields.items())
    for owner, name, declared in extension.lists:
        declared.bind(name, None)
        declared.check(f"{extension.name}, listed {name!r},", row_of(declared.to).__table__)
        _check_refers(f"{extension.name}, listed {name!r},", declared, owner)
        yield owner, _named(name, declared.output().field)
    by_name: dict[Value, type] = {root.__name__: root for root in roots}
    yield from ((by_name.get(owner, owner), field) for owner, field in extension.fields)


def _check_refers(place: str, declared: ListDeclaration, owner: Made) -> None:
    """Raises TypeError for a list by a column that refers to something else: it would be empty for ever."""
    columns = {each.stored: each.to for each in row_of(declared.to).__declared__.values() if isinstance(each, FieldDeclaration)}
    name = getattr(owner, "__name__", None)
    if isinstance(declared.by, BackReference) and name in NOUNS and columns.get(declared.by.column) != name:
        fit = ", ".join(column for column, to in columns.items() if to == name) or "none"
        raise TypeError(f"{place} says by={declared.by.column!r}, which doesn't refer to {name}; columns of {declared.to} that do: {fit}")


def _queries(noun: Noun) -> Object:
    found = {noun.member: one(noun.row)}
    if noun.listing is None:
        return found
    if is_grouped(noun):
        found[f"{noun.member}_groups"] = groups(noun.row)
    return found | {noun.plural.replace(" ", "_"): many(noun.row, f"A page of the {noun.plural}; newest first, unless `orderBy` is given.")}


def _mutations(noun: Noun) -> Object:
    found = {} if noun.create is None else {f"create_{noun.member}": creates(noun.row)}
    if noun.update is not None:
        found[f"update_{noun.member}"] = changes(noun.row, "", VERSION)
    return found | {f"delete_{noun.member}": deletes(noun.row)} if found else found


def _subscriptions(noun: Noun) -> Object:
    return {f"{noun.member}_changed": followed(noun.row)} if noun.followed else {}


def _named(name: str, field: Made) -> StrawberryField:
    field.python_name = name
    made: StrawberryField = field
    return made


def _definition(extension: Extension, owner: Made, field: StrawberryField) -> Made:
    definition = getattr(owner, "__strawberry_definition__", None)
    if definition is None:
        raise TypeError(f"{extension.name} adds {field.python_name} to {owner!r}, which is no type of the graph.")
    if any(_name(field) == _name(other) for other in definition.fields):
        raise TypeError(f"{extension.name} adds {definition.name}.{_name(field)}, which is there already.")
    return definition


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel_case(field.python_name)


def _check_prefixes(extensions: Sequence[Extension]) -> None:
    taken = {noun.prefix: noun.name for noun in BUILT_IN if noun.prefix}
    for extension in extensions:
        for noun in extension.nouns:
            other = taken.setdefault(noun.prefix, noun.name) if noun.prefix else noun.name
            if other != noun.name:
                raise TypeError(f"{extension.name} gives the ids of {noun.name} the prefix {noun.prefix}, which {other} has.")


def _check_references(extensions: Sequence[Extension]) -> None:
    """Raises TypeError for a reference to, or a list of, a noun whose package isn't one of these, though it is imported."""
    loaded = {noun.name for noun in nouns_of(extensions)}
    for extension in extensions:
        named = [(f"{noun.name}.{declared.attribute}", declared) for noun in extension.nouns for declared in noun.declared]
        for place, declared in [*named, *((f"listed {name!r}", declared) for _, name, declared in extension.lists)]:
            to = getattr(declared, "to", None)
            if to in NOUNS and to not in loaded:
                module = NOUNS[to].row.__module__
                raise TypeError(f"{extension.name}: {place} refers to {to}, which {module} declares: load that package, too")
