"""Operations over the schema, good but for some of their parts, as text and variables."""

from collections.abc import Iterator
from typing import Any

import graphql
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType

from tests.contracts.generated import ROOT
from tests.end_to_end.fuzz.invalid_values import RAW, Odd, Pairs, Raw, Word, written

SDL = ROOT / "tests" / "contracts" / "schema.graphql"
_DIRECTIVES = (
    "@skip(if: true)",
    "@skip(if: $no)",
    '@include(if: "x")',
    "@skip",
    "@nothing",
    "@skip(if: false) @skip(if: true)",
    "@include(if: null)",
)
#: Documents that have broken servers.
_WHOLE = (
    "",
    "{",
    "\ufeff{ __typename }",
    "{ __typename }\0",
    "{ a: __typename a: __typename }",
    "query A { __typename } query B { __typename }",
    "fragment F on Query { ...F } { ...F }",
    "{ ...F } fragment F on Opportunity { id }",
    "{ ...{ __typename } }",
    "query($a: Int = $b) { __typename }",
    "query($a: [[Int]]) { __typename }",
    'query($a: OpportunityFilter = {name: {eq: "x"}}) { opportunities(filter: $a) { totalCount } }',
    "{ opportunities(first: 99999999999999999999) { totalCount } }",
    "{ opportunities(first: -0) { totalCount } }",
    '{ opportunity(id: """\n  x\n""") { id } }',
    '{ opportunity(id: "\\uD800") { id } }',
    '{ opportunity(id: "\\u{1F600}") { id } }',
    '{ opportunity(id: "\\u{110000}") { id } }',
    "type A { b: C }",
    "{ __schema { types { name } } __type(name: null) { name } }",
    '{ __type(name: "\\u0000") { name } }',
    "subscription { opportunityChanged { cursor } opportunityChanged { cursor } }",
    "subscription { __typename }",
    "mutation { __typename }",
    "{" * 300,
    "[" * 300,
    "{ nodes(ids: [" + '"x" ' * 101 + "]) { id } }",
    "# " + "x" * 14_000,
    "query Q { __typename } # \u2028\u2029",
    "{ opportunities(filter: {or: [{or: [{or: []}]}]}) { totalCount } }",
    "{ opportunities(orderBy: []) { totalCount } }",
)


class Graph:
    """Draws bodies of requests."""

    def __init__(self, odd: Odd) -> None:
        self.odd = odd
        self.schema = graphql.build_schema(SDL.read_text("utf-8"))
        self._variables: list[tuple[str, str, Any]] = []

    def body(self, kinds: str = "qqqm") -> str:
        """JSON of an operation of one of these kinds: a query, a mutation, a subscription."""
        if self.odd.chance(0.03):
            return self.odd.random.choice(RAW)
        document, variables = self.operation(self.odd.random.choice(kinds))
        members: list[tuple[str, Any]] = [("query", document), ("variables", variables)]
        if self.odd.chance(0.1):
            members.append((self.odd.random.choice(("operationName", "extensions", "variables", "query", "id", "x")), self.odd.anything()))
        if self.odd.chance(0.03):
            members[0] = ("query", self.odd.anything())
        return written(Pairs(members))

    def operation(self, kind: str) -> tuple[str, Any]:
        """Its document and its variables."""
        if self.odd.chance(0.05):
            return self.odd.random.choice(_WHOLE), self.odd.random.choice((None, {}, self.odd.anything()))
        type_ = {"q": self.schema.query_type, "m": self.schema.mutation_type, "s": self.schema.subscription_type}[kind]
        word = {"q": "query", "m": "mutation", "s": "subscription"}[kind]
        assert type_ is not None
        self._variables = []
        names = self.odd.random.choices(sorted(type_.fields), k=1 if kind == "s" else self.odd.random.choice((1, 1, 2)))
        fields = " ".join(f"r{place}: {self._field(name, type_.fields[name], 3)}" for place, name in enumerate(names))
        declared = ", ".join(f"${name}: {declaration}" for name, declaration, _ in self._variables)
        document = f"{word} Q{f'({declared})' if declared else ''} {{ {fields} }}"
        variables = Pairs((name, value) for name, _, value in self._variables if not self.odd.chance(0.03))
        return self.odd.twisted(document) if self.odd.chance(0.03) else document, variables

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        arguments = ", ".join(self._arguments(field.args))
        directive = f" {self.odd.random.choice(_DIRECTIVES)}" if self.odd.chance(0.02) else ""
        return f"{name}{f'({arguments})' if arguments else ''}{directive}{self._selection(graphql.get_named_type(field.type), depth)}"

    def _selection(self, type_: Any, depth: int) -> str:
        if graphql.is_leaf_type(type_):
            return ""
        if not graphql.is_object_type(type_):
            one = self.odd.random.choice(self.schema.get_possible_types(type_))
            return f" {{ __typename ... on {one.name}{self._selection(one, depth)} }}"
        return f" {{ __typename {' '.join(self._chosen(type_, depth))} }}"

    def _chosen(self, type_: GraphQLObjectType, depth: int) -> Iterator[str]:
        for place, name in enumerate(
            self.odd.random.sample(sorted(type_.fields), min(len(type_.fields), self.odd.random.choice((1, 2, 4))))
        ):
            field = type_.fields[name]
            if depth or graphql.is_leaf_type(graphql.get_named_type(field.type)):
                yield f"{f'a{place}: ' if field.args else ''}{self._field(name, field, depth - 1)}"

    def _arguments(self, known: dict[str, GraphQLArgument]) -> Iterator[str]:
        for name, argument in known.items():
            if not (isinstance(argument.type, GraphQLNonNull) or self.odd.chance(0.25)):
                continue
            value = self.value(argument.type)
            if self.odd.chance(0.5):
                variable = f"v{len(self._variables)}"
                type_ = "Int" if self.odd.chance(0.02) else str(argument.type)
                self._variables.append((variable, type_, value))
                yield f"{name}: ${variable}"
            else:
                yield f"{name}: {literal(value)}"

    def value(self, type_: Any, depth: int = 4) -> Any:
        """Of a type, or not."""
        if self.odd.chance(0.08):
            return self.odd.random.choice((None, self.odd.anything()))
        return self._fitting(graphql.get_nullable_type(type_), depth)

    def _fitting(self, type_: Any, depth: int) -> Any:
        if graphql.is_list_type(type_):
            return [self.value(type_.of_type, depth - 1) for _ in range(self.odd.random.choice((0, 1, 2, 3)) if depth > 0 else 0)]
        if isinstance(type_, GraphQLInputObjectType):
            return Pairs(self._members(type_, depth - 1))
        if graphql.is_enum_type(type_):
            return Word(self.odd.random.choice((*type_.values, "NOTHING", f'"{next(iter(type_.values))}"')))
        return self._scalar(type_.name)

    def _members(self, type_: GraphQLInputObjectType, depth: int) -> Iterator[tuple[str, Any]]:
        fields: dict[str, GraphQLInputField] = type_.fields
        share = 0.3 if depth > 0 else 0.05
        for name, each in fields.items():
            if isinstance(each.type, GraphQLNonNull) or self.odd.chance(min(share, 3 / len(fields))):
                yield name, self.value(each.type, depth)

    def _scalar(self, name: str) -> Any:
        number = self.odd.random.choice((1, 20, -1, 0, 101))
        text = self.odd.random.choice((self.odd.text, self.odd.cursor, lambda: "Deal"))
        odd = {
            "Int": lambda: self.odd.random.choice((number, number, Raw(self.odd.number()), self.odd.number())),
            "Float": lambda: self.odd.random.choice((0.5, Raw(self.odd.number()))),
            "Money": lambda: self.odd.random.choice((number, Raw(self.odd.number()), self.odd.number())),
            "Boolean": lambda: self.odd.random.choice((True, False, 1, "true")),
            "Date": self.odd.day,
            "DateTime": self.odd.instant,
            "ID": lambda: self.odd.random.choice((self.odd.id(), self.odd.random.choice(self.odd.ids["opp"]), number)),
        }
        return odd.get(name, text)()


def literal(value: Any) -> str:
    """A value in a document; what is raw stands as it is."""
    match value:
        case Word():
            return str(value)
        case Pairs() | dict():
            pairs = value.items() if isinstance(value, dict) else value
            return "{" + ", ".join(f"{key}: {literal(each)}" for key, each in pairs) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
    return written(value)
