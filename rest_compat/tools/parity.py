"""Which REST name is which GraphQL one, as a table for the docs, and what has no partner, for a test."""

from collections.abc import Iterable, Mapping, Sequence

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from rest_compat.errors import STATUS
from rest_compat.resources.declaration import Resource, RouteAction
from rest_compat.translate.call import Translator
from rest_compat.translate.endpoint import Endpoint

MarkdownRow = tuple[str, ...]

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
    endpoints = {one.action: one for one in translator.endpoints_of(resource)}
    routes = [(f"`{one.route}`", f"`{one.document.root_coordinate}`") for one in endpoints.values()]
    parameters = [(f"`{name}`", where) for name, where in _parameters(endpoints["list"])] if "list" in endpoints else []
    keys = [(f"`{name}`", read, written) for name, read, written in _keys(resource, endpoints)]
    tables: list[tuple[MarkdownRow, Sequence[MarkdownRow]]] = [
        (("Route", "GraphQL"), routes),
        (("Parameter", "GraphQL"), parameters),
        (("Key", "read from", "written to"), keys),
    ]
    return "\n\n".join([f"### {resource.name.capitalize()}", *(_table(head, rows) for head, rows in tables if rows)])


def _parameters(endpoint: Endpoint) -> Iterable[tuple[str, str]]:
    for name, reader in endpoint.query.readers.items():
        yield name, _linked(reader.coordinates) or _BY_PROCESS.get(name, "")


def _keys(resource: Resource, endpoints: Mapping[RouteAction, Endpoint]) -> Iterable[tuple[str, str, str]]:
    shown = {source.key.name: source for one in endpoints.values() for source in one.sources}
    for source in (shown[key.name] for key in resource.keys if key.name in shown):
        inputs = [_input_coordinate(one, source.key.name) for one in endpoints.values()]
        yield source.key.name, _linked(source.coordinates), ", ".join(f"`{one}`" for one in inputs if one) or "read-only"


def _linked(coordinates: Iterable[str]) -> str:
    return " → ".join(f"`{one}`" for one in coordinates)


def _input_coordinate(endpoint: Endpoint, name: str) -> str:
    if endpoint.body is None or name not in endpoint.body.writable:
        return ""
    return f"{get_named_type(endpoint.document.variables['input']).name}.{endpoint.body.writable[name][0].target}"


def _table(head: MarkdownRow, rows: Sequence[MarkdownRow]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def unmatched_names(translator: Translator) -> list[str]:
    """The names without a counterpart: fields and inputs without a key, parameters without a variable, error codes without a status."""
    found = [name for resource in translator.resources for name in _alone(translator, resource)]
    codes = translator.graph.schema.type_map.get("ErrorCode")
    known = codes.values if isinstance(codes, GraphQLEnumType) else {}
    return found + [f"ErrorCode.{name}" for name in known if name not in STATUS]


def _alone(translator: Translator, resource: Resource) -> Iterable[str]:
    record = translator.graph.schema.type_map[resource.type]
    assert isinstance(record, GraphQLObjectType)
    alike = [one for one in translator.resources if one.type == resource.type]
    shown = {key.source.partition(".")[0].removesuffix("[]") for one in alike for key in one.keys}
    shown |= {name for one in alike for name in one.graphql_only}
    yield from (f"{resource.type}.{name}" for name in record.fields if name not in shown)
    targets = {key.target for key in resource.keys}
    for endpoint in translator.endpoints_of(resource):
        fields = get_named_type(endpoint.document.variables.get("input"))
        if isinstance(fields, GraphQLInputObjectType):
            yield from (f"{fields.name}.{name}" for name in fields.fields if name not in targets)
        if endpoint.action == "list":
            yield from (f"{endpoint.route} {name}" for name, where in _parameters(endpoint) if not where)
