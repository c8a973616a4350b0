"""Extensions of the graph by packages: nouns, and fields with resolvers. GATEWAY_EXTENSIONS names packages; they are loaded at start."""

import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import strawberry
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission
from strawberry.types.field import StrawberryField

import schema.nouns.all  # noqa: F401  a package's nouns come after the gateway's own
from schema.engine.compile.sources import RESOLVED, SCOPE, ResolverSource
from schema.engine.declare.members import graph_name
from schema.engine.declare.noun import Noun
from schema.engine.declare.relations import ListDeclaration, listed
from schema.engine.declare.sql import Stored
from schema.engine.declare.writes import KeyArg
from schema.engine.libraries.strawberry_graphql import StrawberryAnnotation, StrawberryArgument
from schema.rules.scopes import READ, WRITE
from schema.rules.scopes import declare as declare_scopes
from schema.rules.scopes import scope as scope_of
from schema.values import Function, Made, Object, Value, Values

R = TypeVar("R", bound=type[Stored])
F = TypeVar("F", bound=Function)

_NOTHING: Values = {}

KEY = "idempotency_key"
ATTRIBUTE = "extension"
"""The name under which a package has its Extension."""


class ExtensionError(ValueError):
    """A package can't be loaded, or has no extension."""


class Extension:
    """The additions of a package, collected by decorators. `name` is the package's, for messages."""

    def __init__(self, name: str, *, schema_extensions: Sequence[type[SchemaExtension]] = ()) -> None:
        """`schema_extensions` wrap all operations, with those of their hooks that plans support."""
        self.name = name
        self.module = ""
        self.nouns: list[Noun] = []
        self.lists: list[tuple[Made, str, ListDeclaration]] = []
        self.reasons: dict[str, str] = {}
        self.schema_extensions = tuple(schema_extensions)
        self.fields: list[tuple[type | str, StrawberryField]] = []
        self.deprecations: dict[str, str] = {}
        self.resources: list[Value] = []

    @property
    def migrations(self) -> Path | None:
        """The folder of its migrations, beside its module; None for a package without nouns."""
        file = sys.modules[self.module].__file__ if self.nouns else None
        return None if file is None else Path(file).parent / "migrations"

    @property
    def additions(self) -> Iterator[str]:
        """The coordinates of the fields that it adds to records of nouns which others declare, as in `Account.invoices`."""
        own = {noun.row for noun in self.nouns}
        added = [
            *((owner, name) for owner, name, _ in self.lists),
            *((owner, field.graphql_name or field.python_name) for owner, field in self.fields),
        ]
        yield from (f"{owner.__name__}.{graph_name(name)}" for owner, name in added if isinstance(owner, type) and owner not in own)

    @property
    def resolved(self) -> Iterator[tuple[str, str]]:
        """The fields with resolvers that it adds, each with the name of its type."""
        for owner, field in self.fields:
            yield getattr(owner, "__name__", str(owner)), field.graphql_name or graph_name(field.python_name)

    def declares(self, row: R) -> R:
        """Adds a noun: a class of stored rows that stands under `@noun(…)`. What the graph has of it is derived.

        Without a prefix its rows have no ids: they are met through other records alone, such as the history of one.
        """
        self.nouns.append(self._noun_of(row))
        return row

    def _noun_of(self, row: Made) -> Noun:
        if isinstance(row, Noun):
            raise TypeError(f"{self.name} adds a noun without parentheses: write `@noun(…)`, with the prefix of its ids")
        declared: Noun | None = getattr(row, "__dict__", {}).get("__noun__")
        if declared is None:
            raise TypeError(f"{self.name} adds {getattr(row, '__name__', repr(row))}, which is no noun: write `@noun(…)` below `declares`")
        return declared

    def listed(self, owner: Made, name: str, description: str, row: Value, by: str) -> None:
        """Adds a field to the records of `owner`: the page of the records of the class `row` whose column `by` refers to them."""
        self.lists.append((owner, name, listed(description, self._noun_of(row).name, by)))

    def rest(self, resource: Made) -> None:
        """Adds a resource of REST, as `rest_compat.resources.declaration` declares them; its operations are this graph's."""
        self.resources.append(resource)

    def deprecate(self, coordinate: str, reason: str) -> None:
        """Deprecates a field, an argument, an input field or an enum value: `Opportunity.source`, `Query.opportunities(offset:)`.

        REST's users of it are told the dates and the address in the reason: "Ask for x: https://… Since 2026-01-01, until 2027-01-01."
        """
        self.deprecations[coordinate] = reason

    def field(  # noqa: PLR0913  each is a word that Strawberry's users know
        self,
        owner: type,
        description: str,
        *,
        needs: Sequence[str] = (),
        cost: int = 1,
        batch: bool = False,
        name: str | None = None,
        permission_classes: Sequence[type[BasePermission]] = (),
        extensions: Sequence[FieldExtension] = (),
    ) -> Callable[[F], F]:
        """Adds a field to the records of `owner`. The function gets its record by a parameter of type `strawberry.Parent[owner]`.

        The record has the columns that `needs` names, by the names of their attributes, and no others. With `batch` the function gets a
        list of records, and answers as many values. Each call counts `cost` in what an operation costs. Raises TypeError for `needs` that
        is a text.
        """
        if isinstance(needs, str):
            raise TypeError(f"needs={needs!r} is one text, where several are wanted: write `needs=({needs!r},)`")
        return self._adding(
            owner,
            description,
            ResolverSource(tuple(needs), cost, batch),
            name=name,
            permission_classes=permission_classes,
            extensions=extensions,
        )

    def query(
        self,
        description: str,
        *,
        cost: int = 1,
        name: str | None = None,
        scope: str | None = None,
        permission_classes: Sequence[type[BasePermission]] = (),
        extensions: Sequence[FieldExtension] = (),
    ) -> Callable[[F], F]:
        """Adds a field to Query. A token with scopes must have `scope` to ask for it: by default `headlines:read` of `team.headlines`."""
        options: Object = {"name": name, "permission_classes": permission_classes, "extensions": extensions}
        return self._adding("Query", description, ResolverSource((), cost), self._needing(scope, READ), **options)

    def mutation(
        self,
        description: str,
        *,
        cost: int = 1,
        admin: bool = False,
        name: str | None = None,
        scope: str | None = None,
        permission_classes: Sequence[type[BasePermission]] = (),
        extensions: Sequence[FieldExtension] = (),
    ) -> Callable[[F], F]:
        """Adds a field to Mutation, with the argument `idempotencyKey`. Its type must be able to be null (`... | None`).

        The function is called within the write's transaction and may await `info.context.unit` only (`schema.engine.write.unit_of_work`).
        What it raises takes back all that it did, and so does an answer whose `user_errors` are not empty. Viewers may not call it; with
        `admin` only admins may. A token with scopes must have `scope` to call it: by default `headlines:write` of `team.headlines`.
        """
        options: Object = {"name": name, "permission_classes": permission_classes, "extensions": extensions}
        return self._adding("Mutation", description, ResolverSource((), cost, admin=admin), self._needing(scope, WRITE), **options)

    def _needing(self, scope: str | None, verb: str) -> Values:
        """Return the metadata of a field that needs `scope`, by default that of this package."""
        if scope is not None and re.fullmatch(rf"[a-z][a-z0-9_]*:({READ}|{WRITE})", scope) is None:
            raise TypeError(f"scope={scope!r}, which no token can have: write a small word with `:{READ}` or `:{WRITE}` behind it")
        area, _, said = (scope or scope_of(self.name.rpartition(".")[2], verb)).partition(":")
        declare_scopes(area, written=said == WRITE)
        return {SCOPE: scope_of(area, said)}

    def _adding(
        self, owner: type | str, description: str, resolved: ResolverSource, more: Values = _NOTHING, **options: Value
    ) -> Callable[[F], F]:
        if not isinstance(resolved.cost, int) or resolved.cost < 0:
            raise TypeError(f"cost={resolved.cost!r}, where a whole number from 0 on is wanted")

        def add(function: F) -> F:
            options["permission_classes"] = [*options["permission_classes"]]
            options["extensions"] = [*options["extensions"]]
            made: Made = strawberry.field(description=description, metadata={RESOLVED: resolved, **more}, **options)
            field: StrawberryField = made(function)
            field.python_name = function.__name__
            if owner == "Mutation":
                if any(argument.python_name == KEY for argument in field.arguments):
                    raise TypeError(f"{function.__name__} takes `{KEY}`, which every mutation has by itself: leave the parameter out")
                field.arguments = [*field.arguments, _key()]
            self.fields.append((owner, field))
            return function

        return add


def load(modules: Sequence[str]) -> tuple[Extension, ...]:
    """The extensions of modules by their names. Raises ExtensionError."""
    return tuple(_load(name) for name in modules)


def extensions_imported() -> list[Extension]:
    """The extensions of all modules that are imported by now, those that others import among them."""
    found = []
    for name, module in list(sys.modules.items()):
        # A module's own `__getattr__` may import others, or raise anything: only what is there already counts.
        extension = getattr(module, "__dict__", {}).get(ATTRIBUTE)
        if isinstance(extension, Extension) and extension.nouns and extension not in found:
            extension.module = extension.module or name
            found.append(extension)
    return found


def _load(name: str) -> Extension:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ExtensionError(f"{name!r} is no module's name: write names as Python imports them, with commas between them.")
    try:
        found = getattr(import_module(name), ATTRIBUTE, None)
    except ExtensionError:
        raise
    except (Exception, SystemExit) as error:  # a module that ends the process would do so without a word
        raise ExtensionError(f"{name} can't be imported: {_describe(error, name)}") from error
    if not isinstance(found, Extension):
        raise ExtensionError(f"{name} has no `{ATTRIBUTE}`: write `{ATTRIBUTE} = Extension({name!r})` there.")
    found.module = name
    return found


def _describe(error: BaseException, name: str) -> str:
    """Return the message of an error in the import of the module `name`, with its line."""
    if isinstance(error, ImportError | SyntaxError):
        return str(error)
    found = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__) if _is_of(frame.f_globals, name)]
    file, line = found[-1] if found else ("", 0)
    return f"{type(error).__name__}: {error}" + (f" ({file}, line {line})" if found else "")


def _is_of(module: Values, package: str) -> bool:
    return f"{module.get('__name__')}.".startswith(f"{package}.")


def _key() -> StrawberryArgument:
    """The argument under which a mutation's answer is kept."""
    return StrawberryArgument(KEY, None, StrawberryAnnotation(KeyArg), default=strawberry.UNSET)
