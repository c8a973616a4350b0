"""The limits of a document, after fragment expansion, in one memoised pass that takes time in proportion to the document.

strawberry's own limiters expand a chain of fragments again and again, which takes exponential time; here each fragment is measured once.
"""

from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    visit,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an operation. Lengths in characters, cost in objects (see `cost`), the answer in bytes."""

    max_document_length: int = 15_000
    max_tokens: int = 1_000
    max_depth: int = 10
    max_introspection_depth: int = 20
    max_introspections: int = 2
    max_aliases: int = 30
    max_fields: int = 1_000
    max_directives: int = 50
    max_root_fields: int = 20
    max_mutations: int = 5
    max_cost: int = 5_000
    max_answer: int = 10_485_760
    introspection: bool = True
    max_errors: int = 5
    documents: int = 1_000
    counts: int = 10_000


@dataclass(slots=True)
class _Measure:
    depth: int = 0
    introspection_depth: int = 0
    introspections: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    roots: int = 0
    """Fields of the selection set itself, without those below them."""

    def add(self, other: "_Measure") -> None:
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.introspections += other.introspections
        self.aliases += other.aliases
        self.directives += other.directives
        self.fields += other.fields
        self.roots += other.roots


class _Measuring:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self._measured: dict[str, _Measure] = {}

    def of(self, selections: SelectionSetNode) -> _Measure:
        total = _Measure()
        for node in selections.selections:
            measure = self._node(node)
            measure.directives += len(node.directives or ())
            total.add(measure)
        return total

    def _node(self, node: Any) -> _Measure:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, InlineFragmentNode):
            return self.of(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)
        return self._fragment(node.name.value)

    def _field(self, node: FieldNode) -> _Measure:
        below = self.of(node.selection_set) if node.selection_set is not None else _Measure()
        measure = replace(below, depth=below.depth + 1, fields=below.fields + 1, roots=1)
        if node.name.value in {"__schema", "__type"}:
            measure.depth, measure.introspection_depth, measure.introspections = 0, below.depth + 1, 1
        if node.alias is not None:
            measure.aliases += 1
        return measure

    def _fragment(self, name: str) -> _Measure:
        if name not in self._measured:
            self._measured[name] = _Measure()
            self._measured[name] = self.of(self._fragments[name].selection_set)
        return replace(self._measured[name])


class _Strings(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.bad = False

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        self.bad = self.bad or "\0" in node.value


def too_much(document: DocumentNode, operation: OperationDefinitionNode, limits: Limits) -> list[str]:
    """Which limits an operation breaks, a sentence each. The document must be valid: no fragment spreads itself."""
    measure = _Measuring(document).of(operation.selection_set)
    is_mutation = operation.operation is OperationType.MUTATION
    roots = "mutations" if is_mutation else "root fields"
    checks = [
        ("levels of fields", measure.depth, limits.max_depth),
        ("levels of fields below `__schema` or `__type`", measure.introspection_depth, limits.max_introspection_depth),
        ("fields `__schema` and `__type`", measure.introspections, limits.max_introspections),
        ("aliases", measure.aliases, limits.max_aliases),
        ("fields", measure.fields, limits.max_fields),
        ("directives", measure.directives + len(operation.directives or ()), limits.max_directives),
        (roots, measure.roots, limits.max_mutations if is_mutation else limits.max_root_fields),
    ]
    found = [f"The operation has {value} {what}; it may have {limit}." for what, value, limit in checks if value > limit]
    strings = _Strings()
    visit(document, strings)
    if strings.bad:
        found.append("A string holds a NUL character, which no text may have.")
    return found
