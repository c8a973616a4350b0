"""The `.graphql` documents of a resource: read, understood, and cut down to what a call asks for."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    type_from_ast,
    validate,
    visit,
)

from rest_compat.resources.declaration import DeclarationError

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """One operation with one root field. Its selections are plain fields, so that a response key is a field's name."""

    text: str
    operation: OperationDefinitionNode
    schema: GraphQLSchema

    @property
    def name(self) -> str:
        """The operation's name, for `X-GraphQL-Operation`."""
        return self.operation.name.value if self.operation.name else ""

    @cached_property
    def variables(self) -> dict[str, GraphQLType]:
        """The types of the variables that it declares."""
        found = {node.variable.name.value: type_from_ast(self.schema, node.type) for node in self.operation.variable_definitions or ()}
        return {name: type_ for name, type_ in found.items() if type_ is not None}

    @property
    def root(self) -> FieldNode:
        """Its only root field."""
        return _fields(self.operation.selection_set)[0]

    @property
    def root_coordinate(self) -> str:
        """`Query.opportunities`."""
        return f"{self._root_type.name}.{self.root.name.value}"

    @property
    def root_field(self) -> GraphQLField:
        """The root field's definition."""
        fields: dict[str, GraphQLField] = self._root_type.fields
        return fields[self.root.name.value]

    @property
    def _root_type(self) -> GraphQLObjectType:
        root = self.schema.get_root_type(self.operation.operation)
        if root is None:
            raise DeclarationError(f"{self.name}: the schema has no {self.operation.operation.value}")
        return root

    @property
    def root_answer(self) -> GraphQLNamedType:
        """The type that the root field answers: a connection, a payload, or the record's own."""
        named: GraphQLNamedType = get_named_type(self.root_field.type)
        return named

    def argument(self, variable: str) -> tuple[str, GraphQLArgument]:
        """The argument that a variable is given to as a whole, with its coordinate: `Query.opportunities(filter:)`."""
        for owner, node in _walked(self._root_type, self.operation.selection_set):
            for given in node.arguments or ():
                if isinstance(given.value, VariableNode) and given.value.name.value == variable:
                    argument = owner.fields[node.name.value].args[given.name.value]
                    return f"{owner.name}.{node.name.value}({given.name.value}:)", argument
        raise DeclarationError(f"{self.name} gives ${variable} to no argument")

    def keeping(self, record: Path_, paths: Collection[Path_]) -> "Document":
        """Return the document that selects only `paths` of the record at `record`; selections beside the record stay."""
        return self._selecting(_keep(self.operation.selection_set, (self.root.name.value, *record), paths))

    def without(self, path: Path_) -> "Document":
        """The document without the field at `path` below the root field."""
        return self._selecting(_drop(self.operation.selection_set, (self.root.name.value, *path)))

    def _selecting(self, selections: SelectionSetNode) -> "Document":
        read = _VariableNames()
        visit(selections, read)
        declared = tuple(node for node in self.operation.variable_definitions or () if node.variable.name.value in read.names)
        operation = replace(self.operation, selection_set=selections, variable_definitions=declared)
        return Document(print_ast(operation) + "\n", operation, self.schema)


class _VariableNames(Visitor):
    """Collects the names of the variables that a selection set reads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def read_document(path: Path, schema: GraphQLSchema) -> Document:
    """Parse and validate a file. Raises DeclarationError, naming it."""
    try:
        text = path.read_text("utf-8")
        tree = parse(text, no_location=True)
    except OSError as error:
        raise DeclarationError(f"{path} can't be read ({error.strerror}): write it, or leave its action out by `actions=`") from None
    except (GraphQLError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path.parent.name}/{path.name}: {error}") from None
    faults = validate(schema, tree)
    if faults:
        raise DeclarationError(f"{path.parent.name}/{path.name}: {faults[0].message}")
    match tree.definitions:
        case (OperationDefinitionNode(name=NameNode()) as operation,) if len(_fields(operation.selection_set)) == 1:
            return Document(text, operation, schema)
    raise DeclarationError(f"{path.parent.name}/{path.name}: one operation with a name and one root field is wanted")


def _fields(selections: SelectionSetNode | None) -> list[FieldNode]:
    nodes = selections.selections if selections else ()
    found = [node for node in nodes if isinstance(node, FieldNode) and node.alias is None]
    if len(found) != len(nodes):
        raise DeclarationError("aliases and fragments are not for these documents")
    return found


def selected(document: Document, record: Path_) -> set[Path_]:
    """The paths of the leaves that the document selects of its record."""
    selections: SelectionSetNode | None = document.root.selection_set
    for step in record:
        selections = next((node.selection_set for node in _fields(selections) if node.name.value == step), None)
    return set(_leaves(selections))


def _leaves(selections: SelectionSetNode | None, prefix: Path_ = ()) -> Iterable[Path_]:
    for node in _fields(selections):
        here = (*prefix, node.name.value)
        if node.selection_set:
            yield from _leaves(node.selection_set, here)
        else:
            yield here


def _walked(owner: GraphQLNamedType, selections: SelectionSetNode | None) -> Iterator[tuple[GraphQLObjectType, FieldNode]]:
    """All fields of a selection, outer ones first, each with its type."""
    for node in _fields(selections) if isinstance(owner, GraphQLObjectType) else ():
        assert isinstance(owner, GraphQLObjectType)
        yield owner, node
        yield from _walked(get_named_type(owner.fields[node.name.value].type), node.selection_set)


def _keep(selections: SelectionSetNode, record: Path_, paths: Collection[Path_]) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(node for child in _fields(selections) for node in _kept(child, record, paths)))


def _kept(node: FieldNode, record: Path_, paths: Collection[Path_]) -> Iterable[FieldNode]:
    name = node.name.value
    if record:
        inside = node.selection_set
        yield replace(node, selection_set=_keep(inside, record[1:], paths)) if inside and name == record[0] else node
        return
    below = [path[1:] for path in paths if path[0] == name]
    if node.selection_set and any(below):
        yield replace(node, selection_set=_keep(node.selection_set, (), below))
    elif below:
        yield node


def _drop(selections: SelectionSetNode, path: Path_) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(node for child in _fields(selections) for node in _dropped(child, path)))


def _dropped(node: FieldNode, path: Path_) -> Iterable[FieldNode]:
    if node.name.value != path[0]:
        yield node
    elif len(path) > 1 and node.selection_set:
        yield replace(node, selection_set=_drop(node.selection_set, path[1:]))
