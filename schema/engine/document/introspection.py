"""What an operation asks of the schema itself, as a document of its own."""

from dataclasses import dataclass

from graphql import DocumentNode, print_ast

from .selections import Selected, Selections

FIELDS = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """The root fields of a query that ask for the schema, as a document of their own."""

    document: DocumentNode
    text: str
    variables: frozenset[str]


def schema_part(selections: Selections, asked: list[Selected]) -> SchemaPart | None:
    """What the root fields `asked` ask of the schema."""
    found = [selected for selected in asked if selected.name in FIELDS]
    if not found:
        return None
    document, variables = selections.document_of(found)
    return SchemaPart(document, print_ast(document), variables)
