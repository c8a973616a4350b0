"""The flat REST object out of the nested GraphQL one: paths resolved against the schema, and compiled into one expression a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from graphql import GraphQLEnumType, GraphQLNamedType, GraphQLObjectType, get_named_type, is_list_type, is_non_null_type

from rest_compat.deprecations import in_schema
from rest_compat.json_values import JsonObject
from rest_compat.resources.declaration import DeclarationError, Deprecation, Key

JsonRow: TypeAlias = JsonObject
WriteObject: TypeAlias = Callable[[JsonRow], JsonRow]


@dataclass(frozen=True, slots=True)
class PathStep:
    """One field on the way to a value: `name` of `owner`; `many` where it is a list, `nullable` where it may be null."""

    owner: str
    name: str
    type: GraphQLNamedType
    many: bool
    nullable: bool
    description: str | None
    deprecated: Deprecation | None


@dataclass(frozen=True, slots=True)
class ValueSource:
    """The source of a key's value."""

    key: Key
    steps: tuple[PathStep, ...]

    @property
    def type(self) -> GraphQLNamedType:
        """The type of the value, or of its items."""
        return self.steps[-1].type

    @property
    def many(self) -> bool:
        """Whether it is a list of values."""
        return any(step.many for step in self.steps)

    @property
    def nullable(self) -> bool:
        """Whether it may be null: a list along the way is empty instead."""
        return not self.many and any(step.nullable for step in self.steps)

    @property
    def path(self) -> tuple[str, ...]:
        """The response keys that lead to it."""
        return tuple(step.name for step in self.steps)

    @property
    def deprecated(self) -> Deprecation | None:
        """Return the deprecation as declared, or as the schema has it for a field on the path."""
        return self.key.deprecated or next((step.deprecated for step in self.steps if step.deprecated), None)

    @property
    def coordinates(self) -> list[str]:
        """The schema coordinates of its steps: `Opportunity.account`, `Account.name`."""
        return [f"{step.owner}.{step.name}" for step in self.steps]


def resolve(key: Key, owner: GraphQLNamedType) -> ValueSource:
    """Follow a key's path from the record's type. Raises DeclarationError where it leads nowhere."""
    steps: list[PathStep] = []
    for part in key.source.split("."):
        name = part.removesuffix("[]")
        field = owner.fields.get(name) if isinstance(owner, GraphQLObjectType) else None
        if field is None:
            raise DeclarationError(f"{key.name}: {owner.name} has no field {name}")
        bare = field.type.of_type if is_non_null_type(field.type) else field.type
        if is_list_type(bare) != part.endswith("[]"):
            raise DeclarationError(f"{key.name}: [] says that {owner.name}.{name} is a list, and only then")
        many, optional = is_list_type(bare), bare is field.type
        deprecated = in_schema(f"{owner.name}.{name}", field.deprecation_reason)
        steps.append(PathStep(owner.name, name, get_named_type(bare), many, optional, field.description, deprecated))
        owner = steps[-1].type
    return ValueSource(key, tuple(steps))


@cache
def enum_texts(enum: GraphQLEnumType) -> dict[str, str]:
    """GraphQL name to REST value: `CLOSED_WON` is `closed_won`."""
    return {name: name.lower() for name in enum.values}


def writer_source(sources: Sequence[ValueSource]) -> str:
    """The writer as Python: `lambda row: {'id': row['id'], 'accountName': row['account']['name'], …}`."""
    pairs = (f"{source.key.name!r}: {_expression('row', source.steps)}" for source in sources)
    return f"lambda row: {{{', '.join(pairs)}}}"


def _expression(origin: str, steps: Sequence[PathStep]) -> str:
    step, rest = steps[0], steps[1:]
    value = f"{origin}[{step.name!r}]"
    if not rest:
        texts = f"{step.type.name}_texts"
        found = f"{texts}[{value}]" if isinstance(step.type, GraphQLEnumType) else value
    elif step.many:
        found = f"[{_expression('item', rest)} for item in {value}]"
    else:
        found = _expression(value, rest)
    guarded = step.nullable and (rest or isinstance(step.type, GraphQLEnumType))
    return f"(None if {value} is None else {found})" if guarded else found


def compile_writer(sources: Sequence[ValueSource]) -> WriteObject:
    """A function from the GraphQL record to the REST object, with keys in the order of `sources`.

    Compiled once from names that the schema has, so that a row costs one dictionary display and no call (some 0.5 µs for 12 keys).
    """
    enums = {f"{source.type.name}_texts": enum_texts(source.type) for source in sources if isinstance(source.type, GraphQLEnumType)}
    writer: WriteObject = eval(writer_source(sources), {"__builtins__": {}, **enums})  # noqa: S307  made of names of the schema and the declarations only
    return writer
