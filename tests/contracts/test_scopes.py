"""Which scope each operation of the schema needs, as a table; a field that isn't in it fails here until somebody decides."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

from schema.administration.keys import ApiKeys, NewKey
from schema.assembly import build
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.rules.scopes import KNOWN, effective
from schema.storage.opening import open_database

FREE = ""
#: The scope of each root field; what needs none is FREE, what its ids decide is in BY_ID.
ROOTS = {
    "Query.viewer": FREE,
    "Query.stages": FREE,
    "Query.opportunity": "opportunities:read",
    "Query.opportunities": "opportunities:read",
    "Query.opportunityGroups": "opportunities:read",
    "Query.pipeline": "opportunities:read",
    "Query.forecast": "opportunities:read",
    "Query.previewUpdateOpportunity": "opportunities:write",
    "Query.account": "accounts:read",
    "Query.accounts": "accounts:read",
    "Query.contact": "contacts:read",
    "Query.contacts": "contacts:read",
    "Query.user": "users:read",
    "Query.users": "users:read",
    "Query.apiKeys": "tokens:read",
    "Query.auditEntries": "audit:read",
    "Query.restUsage": "usage:read",
    "Query.graphqlUsage": "usage:read",
    "Mutation.createOpportunity": "opportunities:write",
    "Mutation.updateOpportunity": "opportunities:write",
    "Mutation.deleteOpportunity": "opportunities:write",
    "Mutation.createOpportunities": "opportunities:write",
    "Mutation.updateOpportunities": "opportunities:write",
    "Mutation.deleteOpportunities": "opportunities:write",
    "Mutation.createAccount": "accounts:write",
    "Mutation.updateAccount": "accounts:write",
    "Mutation.deleteAccount": "accounts:write",
    "Mutation.createContact": "contacts:write",
    "Mutation.updateContact": "contacts:write",
    "Mutation.deleteContact": "contacts:write",
    "Mutation.createUser": "users:write",
    "Mutation.updateUser": "users:write",
    "Mutation.createApiKey": "tokens:write",
    "Mutation.rotateApiKey": "tokens:write",
    "Mutation.revokeApiKey": "tokens:write",
    "Subscription.opportunityChanged": "opportunities:read",
}
BY_ID = {"Query.node", "Query.nodes"}
PREFIXES = {
    "opp": "opportunities:read",
    "acc": "accounts:read",
    "cnt": "contacts:read",
    "usr": "users:read",
    "key": "tokens:read",
    "ws": FREE,
}
#: The area of the scope that the fields of each type of records need; what isn't here is no record.
AREAS = {
    "Opportunity": "opportunities",
    "StageChange": "opportunities",
    "Account": "accounts",
    "Contact": "contacts",
    "User": "users",
    "ApiKey": "tokens",
    "AuditEntry": "audit",
    "RestUsage": "usage",
    "GraphqlUsage": "usage",
    "Workspace": FREE,
}
#: Fields that give a page of other records, or all of them, so that they need these records' scope too.
PAGES = {
    "Account.contacts": "contacts:read",
    "Account.opportunities": "opportunities:read",
    "Contact.opportunities": "opportunities:read",
    "Viewer.opportunities": "opportunities:read",
}
SCOPES = sorted(KNOWN)
SCHEMA = build().schema
ROOT_TYPES = [type_ for type_ in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if type_ is not None]
OBJECTS = [type_ for name, type_ in SCHEMA.type_map.items() if isinstance(type_, GraphQLObjectType) and not name.startswith("__")]


def literal(type_: Any, id_: str) -> str:
    """A value of an input type with as little in it as may be."""
    if is_non_null_type(type_):
        return literal(type_.of_type, id_)
    if is_list_type(type_):
        return f"[{literal(type_.of_type, id_)}]"
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        members = (f"{name}: {literal(each.type, id_)}" for name, each in type_.fields.items() if is_required_input_field(each))
        return f"{{{', '.join(members)}}}"
    values = {"ID": f'"{id_}"', "Int": "1", "Boolean": "true", "Date": '"2026-01-01"'}
    return values.get(type_.name, '"text@example.com"')


def document(coordinate: str, id_: str = "opp_none") -> str:
    """The shortest operation that asks for a root field."""
    type_name, name = coordinate.split(".")
    root: Any = SCHEMA.type_map[type_name]
    field = root.fields[name]
    given = [f"{key}: {literal(each.type, id_)}" for key, each in field.args.items() if is_required_argument(each)]
    arguments = f"({', '.join(given)})" if given else ""
    below = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{type_name.lower()} {{ {name}{arguments}{below} }}"


@pytest.fixture
async def graph(sqlite_url: str) -> AsyncIterator[tuple[Graph, str]]:
    """A graph over an empty workspace, and the workspace's id."""
    database = open_database(sqlite_url)
    await database.open()
    created = await ApiKeys(database).create(NewKey("Here", Role.ADMIN, "test"))
    yield Graph(database), created.workspace_id
    await database.close()


def narrowed(workspace_id: str, *scopes: str) -> Caller:
    return Caller(workspace_id, Role.ADMIN, None, None, "key_x", scopes=effective(scopes))


def test_each_root_field_is_decided() -> None:
    """The table has exactly the root fields of the schema."""
    assert {f"{type_.name}.{name}" for type_ in ROOT_TYPES for name in type_.fields} == {*ROOTS, *BY_ID}


def test_the_scopes_are_those_of_the_table() -> None:
    """There is no scope of the gateway's own that nothing needs, and none is missing."""
    areas = {scope.partition(":")[0] for scope in ROOTS.values()}
    assert {scope for scope in ROOTS.values() if scope} == {scope for scope in KNOWN if scope.partition(":")[0] in areas}
    assert set(AREAS.values()) <= areas


@pytest.mark.parametrize("coordinate", ROOTS)
async def test_each_operation_by_each_scope(graph: tuple[Graph, str], coordinate: str) -> None:
    """A token with one scope may do what the table says and nothing else; the refusal names the scope, and nothing was carried out."""
    opened, workspace_id = graph
    prepared, needed = opened.prepare(document(coordinate)), ROOTS[coordinate]
    for scope in SCOPES:
        caller = narrowed(workspace_id, scope)
        allowed = not needed or needed in effective([scope])
        assert opened.permits(prepared, {}, caller) is allowed, scope
        if prepared.kind == "subscription":
            continue
        answer = await opened.run(prepared, {}, caller)
        told = (answer.errors or [{}])[0].get("extensions", {})
        if allowed:
            assert "missingScopes" not in told, answer.errors
        else:
            assert (answer.executed, told) == (False, {"code": "FORBIDDEN", "reason": "FORBIDDEN", "missingScopes": [needed]})


@pytest.mark.parametrize("coordinate", sorted(BY_ID))
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_records_by_id(graph: tuple[Graph, str], coordinate: str, prefix: str) -> None:
    """`node` and `nodes` need the scope of what an id names, be the id in the document or in a variable, be there such a record or not."""
    opened, workspace_id = graph
    name = coordinate.partition(".")[2]
    by_variable = "query($i: ID!) { node(id: $i) { id } }" if name == "node" else "query($i: ID!) { nodes(ids: [$i]) { id } }"
    for text, variables in ((document(coordinate, f"{prefix}_none"), {}), (by_variable, {"i": f"{prefix}_none"})):
        prepared = opened.prepare(text)
        for scope in SCOPES:
            needed = PREFIXES[prefix]
            assert opened.permits(prepared, variables, narrowed(workspace_id, scope)) is (not needed or needed in effective([scope]))


async def test_each_field_is_decided(graph: tuple[Graph, str]) -> None:
    """A record's field needs the scope of its records, but for the id, which whatever refers to the record holds; pages need more."""
    for type_name, name in [(type_.name, name) for type_ in OBJECTS if type_ not in ROOT_TYPES for name in type_.fields]:
        coordinate, area = f"{type_name}.{name}", AREAS.get(type_name, FREE)
        expected = {f"{area}:read"} if area and name != "id" else set()
        expected |= {PAGES[coordinate]} if coordinate in PAGES else set()
        assert graph[0]._plans.scopes.of_field(type_name, name) == expected, coordinate


def test_each_type_of_records_is_decided() -> None:
    """The table of areas has exactly the types that have rows."""
    assert {type_.name for type_ in OBJECTS if hasattr(type_.extensions["strawberry-definition"].origin, "__stored__")} == set(AREAS)


DEAL = "opportunities:read"
NESTED = (
    ("{ opportunities { nodes { name account { id } assignedTo { id } contacts { id } } } }", []),
    ("{ opportunities { nodes { account { name } } } }", ["accounts:read"]),
    ("{ opportunities { nodes { ...Deal } } } fragment Deal on Opportunity { assignedTo { ... on User { email } } }", ["users:read"]),
    ("{ opportunities { nodes { contacts { email account { name } } } } }", ["accounts:read", "contacts:read"]),
    (
        "{ opportunities { nodes { account { opportunities { totalCount } contacts { totalCount } } } } }",
        ["accounts:read", "contacts:read"],
    ),
    ("{ opportunities { nodes { stageHistory { to by { id } actor { __typename ... on Node { id } } } } } }", []),
    ("{ opportunities { nodes { stageHistory { actor { ... on ApiKey { name } } } } } }", ["tokens:read"]),
    ("{ opportunities { nodes { stageHistory { by { name } } } } }", ["users:read"]),
    ("{ opportunities { totalCount summary { count } } }", []),
    ("{ opportunityGroups(groupBy: ACCOUNT) { account { id } summary { count } } }", []),
    ("{ opportunityGroups(groupBy: ACCOUNT) { account { name } } }", ["accounts:read"]),
    ('{ opportunities(filter: {account: {name: {contains: "a"}}}) { totalCount } }', ["accounts:read"]),
    ('{ pipeline(filter: {not: {assignedTo: {account: {name: {eq: "a"}}}}}) { __typename } }', ["accounts:read", "users:read"]),
    ('{ opportunities(filter: {or: [{account: {industry: {eq: "a"}}}, {stage: {eq: PROPOSAL}}]}) { totalCount } }', ["accounts:read"]),
    ("{ opportunities(orderBy: [{field: OWNER_NAME}]) { nodes { id } } }", ["users:read"]),
    ('{ opportunities(filter: {accountId: {eq: "acc_x"}}, orderBy: [{field: VALUE}]) { nodes { id } } }', []),
    ("{ viewer { scopes role workspace { name currency } user { id } } __schema { queryType { name } } __typename }", []),
    ("{ viewer { user { name } opportunities { totalCount } } }", ["users:read"]),
    ('{ node(id: "opp_x") { ... on Opportunity { name account { name } } ... on Contact { id } } }', ["accounts:read"]),
    ("{ opportunities { nodes { name } } accounts { nodes { id } } }", ["accounts:read"]),
    (
        'mutation { updateOpportunity(id: "opp_x", input: {}) { opportunity { name account { name } } } }',
        ["accounts:read", "opportunities:write"],
    ),
    ("subscription { opportunityChanged { changedFields opportunity { name } by { id } } }", []),
    (
        "subscription { opportunityChanged { opportunity { account { name } } actor { ... on User { name } } } }",
        ["accounts:read", "users:read"],
    ),
)


@pytest.mark.parametrize(("text", "missing"), NESTED)
async def test_what_is_nested_needs_its_own_scope(graph: tuple[Graph, str], text: str, missing: list[str]) -> None:
    """Beside opportunities:read, relations, filters and orders at any depth need the scopes of what they read."""
    opened, workspace_id = graph
    prepared = opened.prepare(text)
    assert opened._plans.missing(prepared, opened._documents.coerce(prepared, {}), frozenset({DEAL})) == missing
    assert opened.permits(prepared, {}, narrowed(workspace_id, DEAL, *missing))


async def test_filters_in_variables(graph: tuple[Graph, str]) -> None:
    """What a filter looks at is known with the variables: the same document may need a scope or not."""
    opened, workspace_id = graph
    prepared = opened.prepare(
        "query($f: OpportunityFilter, $o: [OpportunityOrder!]) { opportunities(filter: $f, orderBy: $o) { totalCount } }"
    )
    caller = narrowed(workspace_id, DEAL)
    related = {"and": [{"account": {"name": {"eq": "A"}}}]}
    assert opened.permits(prepared, {}, caller)
    assert opened.permits(prepared, {"f": {"stage": {"eq": "PROPOSAL"}}, "o": [{"field": "NAME"}]}, caller)
    assert not opened.permits(prepared, {"f": related}, caller)
    assert not opened.permits(prepared, {"o": [{"field": "ACCOUNT_NAME"}]}, caller)
    answer = await opened.run(prepared, {"f": related}, caller)
    assert answer.errors is not None
    assert answer.errors[0]["message"] == "The token lacks the scope accounts:read."


async def test_what_is_skipped_needs_nothing(graph: tuple[Graph, str]) -> None:
    """@skip and @include decide what is read, and so what is needed."""
    opened, workspace_id = graph
    prepared = opened.prepare("query($with: Boolean!) { opportunities { nodes { id account @include(if: $with) { name } } } }")
    assert opened.permits(prepared, {"with": False}, narrowed(workspace_id, DEAL))
    assert not opened.permits(prepared, {"with": True}, narrowed(workspace_id, DEAL))


async def test_no_scopes_narrow_nothing(graph: tuple[Graph, str]) -> None:
    """A token without scopes may do what its role allows; one with none left may do nothing that needs one."""
    opened, workspace_id = graph
    for coordinate, needed in ROOTS.items():
        prepared = opened.prepare(document(coordinate))
        assert opened.permits(prepared, {}, Caller(workspace_id, Role.ADMIN, None, None, "key_x"))
        assert opened.permits(prepared, {}, narrowed(workspace_id)) is (needed == FREE)
