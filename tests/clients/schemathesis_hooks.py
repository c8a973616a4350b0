"""Documents that the schema allows and a rule behind it doesn't, made to obey: what is valid then must be accepted."""

from typing import Any

import graphql
import schemathesis

#: Cursors are ours alone, ways of paging exclude each other, and there are as many expected versions as ids.
RULED = {"after", "before", "last", "offset", "idempotencyKey", "expectedVersions"}
CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
YEAR = {"from": "2026-01-01", "to": "2026-12-31"}
#: As many items as the schema's `@constraint` lets a list have, which schemathesis doesn't read.
LONGEST = {"orderBy": 7, "groupBy": 5}
LARGEST_PAGE = 5


class _Obedient(graphql.Visitor):
    def enter_argument(self, node: graphql.ArgumentNode, *_: Any) -> Any:
        name = node.name.value
        if name in RULED:
            return graphql.REMOVE
        if name in YEAR:
            return graphql.ArgumentNode(name=node.name, value=graphql.StringValueNode(value=YEAR[name]))
        return _shortened(node, node.value)

    def leave_object_field(self, node: graphql.ObjectFieldNode, *_: Any) -> Any:
        """A null condition, and a field of a filter without conditions, are errors."""
        value = node.value
        empty = isinstance(value, graphql.NullValueNode) or (isinstance(value, graphql.ObjectValueNode) and not value.fields)
        return graphql.REMOVE if empty else None

    def enter_string_value(self, node: graphql.StringValueNode, *_: Any) -> Any:
        return graphql.StringValueNode(value=node.value.translate(CONTROLS))


def _shortened(node: graphql.ArgumentNode, value: graphql.ValueNode | None) -> graphql.ArgumentNode | None:
    if node.name.value == "first" and isinstance(value, graphql.IntValueNode):
        return graphql.ArgumentNode(name=node.name, value=graphql.IntValueNode(value=str(abs(int(value.value)) % LARGEST_PAGE)))
    if node.name.value == "groupBy" and isinstance(value, graphql.ListValueNode) and not value.values:
        # What groups have in common must be said.
        return graphql.ArgumentNode(name=node.name, value=graphql.ListValueNode(values=(graphql.EnumValueNode(value="STAGE"),)))
    if node.name.value in LONGEST and isinstance(value, graphql.ListValueNode):
        values = value.values[: LONGEST[node.name.value]]
        return graphql.ArgumentNode(name=node.name, value=graphql.ListValueNode(values=values))
    return None


@schemathesis.hook
def map_body(context: Any, body: graphql.DocumentNode) -> Any:
    del context
    return graphql.visit(body, _Obedient())
