"""Which REST name is which GraphQL one, as a table for the docs, and what has no partner, for a test."""

from collections.abc import Iterable, Sequence

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from rest_compat.errors import STATUS
from rest_compat.resources.declaration import METHODS, Action, Resource
from rest_compat.translate.binding import Bound
from rest_compat.translate.call import Translator

Row = tuple[str, ...]

_HEADERS = (
    ('`If-Match: "3-…"`', "`expectedVersion: 3`"),
    ("`ETag` of a record", "`version`, and a digest of the answer"),
    ("`Idempotency-Key`", "`idempotencyKey`"),
    ("`Idempotency-Replayed: true`", "`extensions.idempotencyReplayed`"),
)

_BY_PROCESS = {
    "page": "`first`, `offset`",
    "limit": "`first`, `last`",
    "offset": "`offset`",
    "after": "`after`",
    "before": "`before`",
    "fields": "the selection",
}
"""Parameters that have no variable of their own."""


def parity(translator: Translator) -> str:
    """The tables, in Markdown."""
    parts = [_resource(translator, resource) for resource in translator.resources]
    codes = [(f"{status} `{code.lower()}`", f"`{code}`") for code, status in sorted(STATUS.items(), key=lambda item: item[1])]
    parts.append("### Headers\n\n" + _table(("REST", "GraphQL"), _HEADERS))
    return "\n\n".join([*parts, "### Codes\n\n" + _table(("REST", "GraphQL"), codes)]) + "\n"


def _resource(translator: Translator, resource: Resource) -> str:
    bound = {action: translator.bound[resource.name, action] for action in METHODS}
    routes = [(f"`{one.route}`", f"`{one.document.root_coordinate}`") for one in bound.values()]
    parameters = [(f"`{name}`", where) for name, where in _parameters(bound["list"])]
    keys = [(f"`{name}`", read, written) for name, read, written in _keys(bound)]
    return "\n\n".join(
        [
            f"### {resource.name.capitalize()}",
            _table(("Route", "GraphQL"), routes),
            _table(("Parameter", "GraphQL"), parameters),
            _table(("Key", "read from", "written to"), keys),
        ]
    )


def _parameters(bound: Bound) -> Iterable[tuple[str, str]]:
    for name, reader in bound.query.readers.items():
        yield name, _linked(reader.coordinates) or _BY_PROCESS.get(name, "")


def _keys(bound: dict[Action, Bound]) -> Iterable[tuple[str, str, str]]:
    for source in bound["get"].sources:
        inputs = [_input_coordinate(bound[action], source.key.name) for action in ("create", "update")]
        yield source.key.name, _linked(source.coordinates), ", ".join(f"`{one}`" for one in inputs if one) or "read-only"


def _linked(coordinates: Iterable[str]) -> str:
    return " → ".join(f"`{one}`" for one in coordinates)


def _input_coordinate(bound: Bound, name: str) -> str:
    if bound.body is None or name not in bound.body.writable:
        return ""
    return f"{get_named_type(bound.document.variables['input']).name}.{bound.body.writable[name][0].target}"


def _table(head: Row, rows: Sequence[Row]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def partnerless(translator: Translator) -> list[str]:
    """What stands alone: a field that no key shows, an input that no key writes, a parameter without a place, a code without a status."""
    found = [name for resource in translator.resources for name in _alone(translator, resource)]
    codes = translator.graph.schema.type_map.get("ErrorCode")
    known = codes.values if isinstance(codes, GraphQLEnumType) else {}
    return found + [f"ErrorCode.{name}" for name in known if name not in STATUS]


def _alone(translator: Translator, resource: Resource) -> Iterable[str]:
    record = translator.graph.schema.type_map[resource.type]
    assert isinstance(record, GraphQLObjectType)
    shown = {key.source.partition(".")[0].removesuffix("[]") for key in resource.keys} | set(resource.graphql_only)
    yield from (f"{resource.type}.{name}" for name in record.fields if name not in shown)
    targets = {key.target for key in resource.keys}
    for action in ("create", "update"):
        bound = translator.bound[resource.name, action]
        fields = get_named_type(bound.document.variables["input"])
        assert isinstance(fields, GraphQLInputObjectType)
        yield from (f"{fields.name}.{name}" for name in fields.fields if name not in targets)
    bound = translator.bound[resource.name, "list"]
    yield from (f"{bound.route} {name}" for name, where in _parameters(bound) if not where)
