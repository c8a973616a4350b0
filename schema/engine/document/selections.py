"""Selection sets of an operation: fields merged by response key, fragments spread, @skip and @include decided.

The merging is graphql-core's own (specification section 6.3.2, CollectFields), so that both ways of answering see the same fields.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from schema.engine.libraries.graphql_core import (
    FieldDetails,
    FragmentDetails,
    VariableValues,
    collect_fields,
    collect_subfields,
    get_variable_values,
)

SCHEMA_FIELDS = frozenset({"__schema", "__type"})
"""The root fields of a query that ask for the schema."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of the response: its key, its name in the schema, and the nodes that were merged into it."""

    key: str
    name: str
    details: tuple[FieldDetails, ...]

    @property
    def node(self) -> FieldNode:
        """The first of its nodes: its arguments are the others' arguments too (specification section 5.3.2)."""
        return self.details[0].node


class Selections:
    """The selections of one operation under one set of @skip/@include booleans."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, booleans: dict[str, bool | None]
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(node) for name, node in fragments_of(document).items()}
        nodes = [node for node in operation.variable_definitions or () if node.variable.name.value in booleans]
        given = {name: value for name, value in booleans.items() if value is not None}
        values = get_variable_values(schema, nodes, given)
        self._values = values if isinstance(values, VariableValues) else VariableValues({}, {})

    def root(self, type_: GraphQLObjectType) -> list[Selected]:
        """The operation's root fields, in order."""
        return _selected(collect_fields(self._schema, self._fragments, self._values, type_, self._operation).grouped_field_set)

    def below(self, selected: Selected, type_: GraphQLObjectType) -> list[Selected]:
        """Return the fields selected below `selected` for the type `type_`, in order."""
        found = collect_subfields(self._schema, self._fragments, self._values, self._operation, type_, list(selected.details))
        return _selected(found.grouped_field_set)

    def document_of(self, fields: list[Selected]) -> tuple[DocumentNode, frozenset[str]]:
        """Some of a query's root fields as a document of their own, and the names of the variables that it mentions."""
        asked = SelectionSetNode(selections=tuple(details.node for selected in fields for details in selected.details))
        found = _Mentioned(self._fragments)
        visit(asked, found)
        declared = tuple(node for node in self._operation.variable_definitions or () if node.variable.name.value in found.names)
        operation = OperationDefinitionNode(operation=OperationType.QUERY, variable_definitions=declared, selection_set=asked)
        spread = [self._fragments[name].definition for name in sorted(found.fragments)]
        return DocumentNode(definitions=(operation, *spread)), frozenset(found.names)

    def variables_below(self, selected: Selected) -> frozenset[str]:
        """The names of the variables that are mentioned anywhere below a field."""
        return frozenset(self._mentioned(selected).names)

    def printed_below(self, selected: Selected) -> str:
        """A field's selections with the fragments that they spread, as graphql-core prints them: alike however they were written."""
        sets = [details.node.selection_set for details in selected.details]
        spread = [self._fragments[name].definition for name in sorted(self._mentioned(selected).fragments)]
        return "\n".join(print_ast(node) for node in [*sets, *spread] if node is not None)

    def _mentioned(self, selected: Selected) -> "_Mentioned":
        found = _Mentioned(self._fragments)
        for details in selected.details:
            if details.node.selection_set is not None:
                visit(details.node.selection_set, found)
        return found


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document, by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _selected(grouped: dict[str, list[FieldDetails]]) -> list[Selected]:
    return [Selected(key, details[0].node.name.value, tuple(details)) for key, details in grouped.items()]


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """The root fields of a query that ask for the schema, as a document of their own."""

    document: DocumentNode
    text: str
    variables: frozenset[str]


def schema_part(selections: Selections, asked: list[Selected]) -> SchemaPart | None:
    """Return the part of an operation that asks for the schema itself, among the root fields `asked`; None if there is none."""
    found = [selected for selected in asked if selected.name in SCHEMA_FIELDS]
    if not found:
        return None
    document, variables = selections.document_of(found)
    return SchemaPart(document, print_ast(document), variables)


class _Mentioned(Visitor):
    """Collects the names of fragments and of variables, in fragments that are spread too, each looked at once."""

    def __init__(self, fragments: dict[str, FragmentDetails]) -> None:
        super().__init__()
        self._fragments = fragments
        self.fragments: set[str] = set()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        if node.name.value not in self.fragments:
            self.fragments.add(node.name.value)
            visit(self._fragments[node.name.value].definition, self)


class _Booleans(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: object, *_: object) -> None:
        for argument in node.arguments or ():  # type: ignore[attr-defined]
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


def deciding_variables(document: DocumentNode) -> frozenset[str]:
    """The names of the variables that @skip and @include look at: with them decided, the shape of the answer is known."""
    found = _Booleans()
    visit(document, found)
    return frozenset(found.names)
