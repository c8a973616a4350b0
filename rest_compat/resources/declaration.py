"""The language in which a REST resource is declared; routes, translation, answers, OpenAPI, explanations, parity are derived.

A resource is a folder: `__init__.py` declares it, and a document says what each of its actions is in GraphQL: `list.graphql`,
`create.graphql`, `get.graphql`, `update.graphql`, `delete.graphql`. Types, limits, enum values and descriptions are
never repeated here: they are read from the schema, along the paths that are declared.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from rest_compat.json_values import Json

RouteAction = Literal["list", "create", "get", "update", "delete"]

METHODS: dict[RouteAction, str] = {"list": "GET", "create": "POST", "get": "GET", "update": "PATCH", "delete": "DELETE"}
"""The method of each action; `list` and `create` are of the collection, the others of one record."""


ACTIONS: tuple[RouteAction, ...] = tuple(METHODS)

_NAME = re.compile("[a-z][a-z0-9-]{0,62}")
_ONE = re.compile("an? .*[^ ].*")
_RESERVED = {"docs"}
"""Names under `/api/` that no resource may have; other pages there contain a point or an underscore."""


class DeclarationError(Exception):
    """A declaration or one of its documents does not fit the schema; told at start."""


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """Told to exactly the calls that use what is deprecated: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link` to read more.

    `whole_objects`: of a key, whether the headers are also told to reads of the whole object, which most clients never need all of. Such
    reads are counted in the usage in any case.
    """

    since: date
    sunset: date | None = None
    link: str | None = None
    whole_objects: bool = False


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of the flat REST object.

    `path` is where its value is in the GraphQL object: `account.name`, `contacts[].id`; unsaid, it is the field of the same name.
    `input` is the field that writes it in the input types; unsaid, the one of the same name, and without such a field the key is read-only.
    """

    name: str
    path: str = ""
    input: str = ""
    example: Json = None
    description: str = ""
    deprecated: Deprecation | None = None

    @property
    def source(self) -> str:
        """`path`, with its default."""
        return self.path or self.name

    @property
    def target(self) -> str:
        """`input`, with its default."""
        return self.input or self.name


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A query parameter of the list.

    `to` is the variable that it becomes, or the place in one: `search`, `filter.value.gte`. Where that is an object with the operators
    `eq` and `in`, the parameter takes a comma-separated list as "any of".
    """

    name: str
    to: str
    description: str
    example: Json = None
    deprecated: Deprecation | None = None


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A REST resource. `name` is its place under `/api/`; `one` is one of it, with its article, as messages say it.

    Of `actions` it has those that are named, by default all five; other methods are refused with 405.
    """

    name: str
    one: str
    type: str
    folder: Path
    keys: tuple[Key, ...]
    """The whole object's keys, in their order."""
    listed: tuple[str, ...] = ()
    """The keys of an item of the list, in their order; without any, an item is the whole object."""
    parameters: tuple[Parameter, ...] = ()
    actions: tuple[RouteAction, ...] = ACTIONS
    examples: Mapping[RouteAction, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
    """Request bodies of `create` and `update` by title."""
    schema: str = ""
    """The name of its object in OpenAPI; unsaid, that of the type. Two resources over one type need two."""
    graphql_only: tuple[str, ...] = ()
    """Fields of the type that REST does not show, said so that a new one cannot be forgotten."""
    deprecated: Mapping[RouteAction, Deprecation] = field(default_factory=dict)

    @property
    def schema_name(self) -> str:
        """`schema`, with its default."""
        return self.schema or self.type

    @property
    def singular(self) -> str:
        """`opportunity`."""
        return self.one.partition(" ")[2]

    def path(self, action: RouteAction) -> str:
        """`/api/opportunities/` or `/api/opportunities/{id}/`."""
        return f"/api/{self.name}/" if action in {"list", "create"} else f"/api/{self.name}/{{id}}/"


def check_resources(resources: Sequence[Resource]) -> None:
    """Raise DeclarationError where names can't be served or are there twice, or actions are unknown."""
    paths: set[str] = set()
    schemas: dict[str, str] = {}
    for resource in resources:
        name, schema = resource.name, resource.schema_name
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise DeclarationError(f"{name!r} can't be the name of a resource: write small letters, digits and hyphens, and not 'docs'")
        if name in paths:
            raise DeclarationError(f"there are two resources {name}, and so two of each of its paths: rename one")
        if schema in schemas:
            raise DeclarationError(f"{schemas[schema]} and {name} are both {schema} in OpenAPI: give one of them another `schema`")
        if not resource.actions or not set(resource.actions) <= set(ACTIONS):
            raise DeclarationError(f"{name}: `actions` names some of {', '.join(ACTIONS)}, and nothing else")
        if _ONE.fullmatch(resource.one) is None:
            raise DeclarationError(f"{name}: `one` is {resource.one!r}: write one of it with its article, such as 'an invoice'")
        if not isinstance(resource.folder, Path):
            raise DeclarationError(
                f"{name}: `folder` is {resource.folder!r}: write the path of its documents, such as Path(__file__).parent"
            )
        keys = [key.name for key in resource.keys]
        if len(set(keys)) < len(keys):
            raise DeclarationError(f"{name} has a key twice among {', '.join(keys)}: take one out")
        paths.add(name)
        schemas[schema] = name
