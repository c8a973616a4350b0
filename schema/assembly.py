"""The Strawberry schema, put together and made ready for both ways of answering."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, GraphQLUnionType
from strawberry.schema.config import StrawberryConfig

from schema.engine.compile.compiler import RUNTIME_TYPE
from schema.engine.document.deprecations import deprecate
from schema.engine.execute.resolvers.permissions import forbid
from schema.engine.execute.resolvers.resolver_caller import RESOLVE
from schema.engine.libraries.strawberry_graphql import core_of, declared, mend_one_of
from schema.engine.types.scalars import SCALARS
from schema.nouns.actions import Writes
from schema.nouns.all import Account, ApiKey, Contact, Opportunity, User, Workspace
from schema.nouns.mutation import Mutation
from schema.nouns.query import Query
from schema.nouns.subscription import Subscription
from schema.values import Value

from .extended_types import added, nouns_of
from .extensions import Extension

DESCRIPTION = (
    "Sales opportunities, the accounts and people they are with, and what happens to them. Start with `opportunities` or `pipeline`, "
    "change things by mutations, follow changes with `opportunityChanged`. A mutation answers the record, or `userErrors` that say what to "
    "mend; everything else that goes wrong is an error with `extensions.code`."
)


@dataclass(frozen=True, slots=True)
class BuiltSchema:
    """The schema, and its text."""

    schema: GraphQLSchema
    sdl: str
    strawberry: strawberry.Schema
    writes: Writes


@cache
def build(*extensions: Extension) -> BuiltSchema:
    """The canonical schema with what `extensions` add; its fields are read from the trees that plans make.

    Raises TypeError, by its name, for an extension that can't be honoured.
    """
    config = StrawberryConfig(scalar_map=SCALARS)
    types = [Workspace, User, Contact, Account, Opportunity, ApiKey, *[noun.row for each in extensions for noun in each.nouns]]
    with added(extensions, (Query, Mutation, Subscription)):
        try:
            schema = strawberry.Schema(Query, Mutation, Subscription, types=types, config=config)
        except TypeError as error:
            raise TypeError(f"{error}{_candidates(str(error), extensions)}") from error
    core = core_of(schema)
    core.description = DESCRIPTION
    mend_one_of(core)
    # Introspection lists types as they stand here; tools show that list to people.
    core.type_map = dict(sorted(core.type_map.items()))
    for type_ in core.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType):
            type_.is_type_of = None
            for field in type_.fields.values():
                forbid(declared(field))
                field.extensions[RESOLVE] = field.resolve
                field.resolve = _from_tree
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = _runtime_type
    for extension in extensions:
        deprecate(core, extension.deprecations)
    return BuiltSchema(core, f"{_definition(core)}\n\n{schema.as_str()}\n", schema, Writes(nouns_of(extensions)))


def _candidates(message: str, extensions: Sequence[Extension]) -> str:
    """Return which fields a message of Strawberry's may be about that names their type alone."""
    owner, unresolved, _ = message.partition(" fields cannot be resolved")
    found = [f"{owner}.{name} of {each.name}" for each in extensions for type_, name in each.resolved if unresolved and type_ == owner]
    return f": look at {', '.join(found)}" if found else ""


def _definition(core: GraphQLSchema) -> str:
    """The schema's own entry in the SDL, which strawberry leaves out."""
    roots = {"query": core.query_type, "mutation": core.mutation_type, "subscription": core.subscription_type}
    lines = [f"  {kind}: {type_.name}" for kind, type_ in roots.items() if type_]
    return "\n".join(['"""', DESCRIPTION, '"""', "schema {", *lines, "}"])


def _from_tree(source: Value, info: GraphQLResolveInfo[Any], **_: object) -> Value:
    """Resolve a field from the tree that a plan made for the fallback. Raises the field's error where the tree holds one."""
    value = source[info.path.key]
    if isinstance(value, Exception):
        try:
            raise value
        finally:
            del value
    return value


def _runtime_type(value: Value, *_: object) -> str:
    name: str = value[RUNTIME_TYPE]
    return name
