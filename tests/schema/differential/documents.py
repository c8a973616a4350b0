"""Query documents drawn from the schema: aliases, fragments of each kind, directives, variables, nested connections with arguments."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.reference.rows import snake
from tests.schema.differential.values import Values, literal, plain

MAX_DEPTH = 5
UNION_WEIGHT = 12
PREFERRED = (
    "opportunities",
    "opportunities",
    "node",
    "nodes",
    "account",
    "accounts",
    "contacts",
    *("pipeline", "forecast") * 2,
    "opportunityGroups",
)
"""Root fields of many answers, by which a document begins more often than by others."""
ALIASES = ("a", "b", "id", "x1")
EXCLUSIVE = (("first", "last"), ("after", "before"), ("offset", "after"), ("offset", "before"), ("offset", "last"))


@dataclass(frozen=True, slots=True)
class Operation:
    """A document with its variables."""

    text: str
    variables: dict[str, Any]


@dataclass(slots=True)
class Drawing:
    """One document on its way. `faulty` is the share of values at fault."""

    schema: GraphQLSchema
    random: Random
    values: Values
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0
    _named: int = 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def operation(self) -> Operation:
        """The whole document."""
        root: Any = self.schema.query_type
        if self.chance(0.3):
            return self._head(self._record())
        names = [name for name in root.fields if name != "apiKeys" or self.chance(0.2)]
        chosen = self.random.choices(names, k=self.random.choice((1, 1, 1, 2, 3)))
        if self.chance(0.4):
            chosen[0] = self.random.choice([name for name in PREFERRED if name in root.fields])
        parts = [self._field(root, name, 0, alias=f"r{place}" if place else None) for place, name in enumerate(chosen)]
        if self.chance(0.1):
            parts.append("__typename")
        if self.chance(0.03):
            parts.append("__schema { queryType { name } }")
        if self.chance(0.15):
            parts.append(f"... on Query {{ {self._field(root, self.random.choice(names), 1, alias='extra')} }}")
        return self._head("{ " + " ".join(parts) + " }")

    def _record(self) -> str:
        """A record of whatever type by its id, and more of it than a list would have."""
        node: Any = self.schema.type_map["Node"]
        types = list(self.schema.get_possible_types(node))
        type_ = self.random.choice([*types, *[each for each in types if each.name == "Opportunity"] * 4])
        return f"{{ node(id: {literal(self.values.seen(snake(type_.name)))}) {{ ... on {type_.name} {self.selection(type_, 1)} }} }}"

    def _head(self, body: str) -> Operation:
        head = "query Drawn" + (f"({', '.join(self.declared)})" if self.declared else "") if self.declared or self.chance(0.3) else ""
        return Operation(" ".join([head, body, *self.fragments]).strip(), self.variables)

    def selection(self, type_: Any, depth: int) -> str:
        """What is asked of a type; below a depth, only what has nothing below it."""
        parts = [self._part(type_, depth) for _ in range(self.random.choice((1, 2, 2, 3, 4)))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, type_: Any, depth: int) -> str:
        if self.chance(0.08):
            return self._aliased("__typename", "t", "")
        if isinstance(type_, GraphQLUnionType) or (isinstance(type_, GraphQLInterfaceType) and self.chance(0.7)):
            return self._on(self.random.choice(self._conditions(type_)), depth)
        if self.chance(0.12):
            return self._on(type_, depth)
        if self.chance(0.08) and isinstance(type_, GraphQLObjectType) and type_.interfaces:
            return self._on(type_.interfaces[0], depth, only_id=True)
        names = [name for name in type_.fields if depth < MAX_DEPTH or is_leaf_type(get_named_type(type_.fields[name].type))]
        if not names:
            return "__typename"
        return self._field(type_, self.random.choices(names, [_weight(type_.fields[name]) for name in names])[0], depth)

    def _conditions(self, type_: Any) -> list[Any]:
        """What a fragment may be on: a possible type; of a union, which has no fields, also itself and an interface of a member."""
        possible = list(self.schema.get_possible_types(type_))
        return [*possible, *possible, type_, *possible[0].interfaces] if isinstance(type_, GraphQLUnionType) else possible

    def _on(self, type_: Any, depth: int, *, only_id: bool = False) -> str:
        """A fragment, named or inline, with or without its type."""
        selection = "{ id __typename }" if only_id else self.selection(type_, depth + 1)
        if self.chance(0.5):
            return f"... on {type_.name}{self._directive()} {selection}"
        self._named += 1
        name = f"F{self._named}"
        self.fragments.append(f"fragment {name} on {type_.name} {selection}")
        spread = f"...{name}{self._directive()}"
        return f"{spread} ...{name}" if self.chance(0.2) else spread

    def _field(self, type_: Any, name: str, depth: int, alias: str | None = None) -> str:
        definition: GraphQLField = type_.fields[name]
        inner = get_named_type(definition.type)
        arguments = self._arguments(definition)
        selection = "" if is_leaf_type(inner) else f" {self.selection(inner, depth + _levels(definition))}"
        return self._aliased(name, alias, arguments + self._directive() + selection)

    def _aliased(self, name: str, alias: str | None, rest: str) -> str:
        if alias is None and self.aliases < 12 and self.chance(0.12):
            alias = self.random.choice(ALIASES) if self.chance(0.2) else f"k{self.aliases}"
        if alias is None:
            return name + rest
        self.aliases += 1
        return f"{alias}: {name}{rest}"

    def _directive(self) -> str:
        if not self.chance(0.1):
            return ""
        value = self.chance(0.5)
        shown = literal(value) if self.chance(0.4) else self._variable("Boolean", value, self.random.choice(("!", "! = true", " = false")))
        return f" @{self.random.choice(('skip', 'include'))}(if: {shown})"

    def _arguments(self, definition: GraphQLField) -> str:
        share = 0.3 if "first" in definition.args else 0.6
        names = [name for name, argument in definition.args.items() if is_required_argument(argument) or self.chance(share)]
        if self.chance(0.9):
            names = _compatible(names)
        given = []
        for name in names:
            meant = snake(get_named_type(definition.type).name) if name == "id" else name
            given.append(f"{name}: {self._argument(meant, definition.args[name])}")
        return f"({', '.join(given)})" if given else ""

    def _argument(self, name: str, argument: GraphQLArgument) -> str:
        value = self.values.of(argument.type, name)
        if self.chance(0.5):
            return literal(value)
        default = f" = {literal(self.values.of(argument.type, name))}" if self.chance(0.15) else ""
        return self._variable(str(argument.type), plain(value), default)

    def _variable(self, type_: str, value: Any, rest: str) -> str:
        """A new variable: given, sometimes left out or wrong; `rest` may have its default, and it is left out more often then."""
        name = f"v{len(self.declared)}"
        if not rest and not type_.endswith("!") and self.chance(0.1):
            rest = " = null"
        self.declared.append(f"${name}: {type_}{rest}")
        if not self.chance(0.4 if "=" in rest else 0.05):
            self.variables[name] = None if self.chance(0.04) else value
        return f"${name}"


def _compatible(names: list[str]) -> list[str]:
    """Arguments of a page that may stand together: most lists have all of them, and nearly no draw of them all would do."""
    excluded = {later for first, later in EXCLUSIVE if first in names}
    return [name for name in names if name not in excluded]


def _weight(definition: GraphQLField) -> int:
    """How often a field is drawn: what leads on more often, and unions, which stand so deep that they would hardly ever be."""
    type_ = get_named_type(definition.type)
    below = [get_named_type(field.type) for field in type_.fields.values()] if isinstance(type_, GraphQLObjectType) else []
    if any(isinstance(each, GraphQLUnionType) for each in (type_, *below)):
        return UNION_WEIGHT
    return 1 if is_leaf_type(type_) else 2


def _levels(definition: GraphQLField) -> int:
    """Lists below lists are dear: they count as two levels."""
    type_ = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    return 2 if isinstance(type_, GraphQLList) else 1


def draw(schema: GraphQLSchema, values: Values) -> Operation:
    """A document and its variables."""
    return Drawing(schema, values.random, values).operation()
