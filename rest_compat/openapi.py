"""OpenAPI 3.1 of all routes, generated from the declarations that route and translate."""

from collections.abc import Iterable, Sequence
from typing import Any

from .binding import Bound
from .declaration import METHODS, Action, Resource
from .errors import STATUS
from .explain import PARAMETERS as EXPLAINED
from .explain import PATH as EXPLAIN
from .kinds import Several
from .openapi_errors import ERROR_SCHEMAS, error_answers
from .openapi_types import JsonSchema, input_schema, object_schema
from .query import FIELDS, LIMIT, OFFSET, ORDERING, PAGE, Reader
from .translate import Translator

VERSION = "1.0.0"
JSON = "application/json"

_SUMMARIES: dict[Action, str] = {
    "list": "List {name}",
    "create": "Create {one}",
    "get": "Get {one}",
    "update": "Update {one}",
    "delete": "Delete {one}",
}
_PARAMETERS = {
    PAGE: "Page number (default 1). Either this or `offset`.",
    LIMIT: "Results per page (default 20); above 100 is served as 100.",
    OFFSET: "How many to leave out before the first. Either this or `page`.",
    ORDERING: "Order by these keys, `-` for descending; newest first if not given.",
    FIELDS: "Only these keys; the GraphQL operation then selects only those.",
}
_REQUEST_HEADERS: dict[str, tuple[str, JsonSchema]] = {
    "Prefer": ("`handling=strict`: unknown parameters and keys are errors (RFC 7240).", {"type": "string"}),
    "If-None-Match": ("An `ETag` seen before: 304 if nothing has changed.", {"type": "string"}),
    "If-Match": ("The `ETag` seen last: 412 if the record has changed since.", {"type": "string"}),
    "Idempotency-Key": (
        "Makes a retry safe: the same key with the same call has one effect, for 24 hours.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
    ),
}
_ANSWER_HEADERS: dict[str, tuple[str, JsonSchema]] = {
    "X-GraphQL-Operation": ("The GraphQL operation that this answer is the translation of.", {"type": "string"}),
    "X-Ignored-Parameters": ("Unknown query parameters, percent-encoded.", {"type": "string"}),
    "X-Ignored-Fields": ("Unknown keys of the body, percent-encoded.", {"type": "string"}),
    "Preference-Applied": ("`handling=strict`, where it was asked for.", {"type": "string"}),
    "ETag": ("The version of what is in the body.", {"type": "string"}),
    "Location": ("The address of the new record.", {"type": "string", "format": "uri"}),
    "Idempotency-Replayed": ("`true` where an earlier answer is given again.", {"type": "string", "enum": ["true"]}),
    "Deprecation": ("Since when something that the call uses is deprecated (RFC 9745).", {"type": "string"}),
    "Sunset": ("When it will end (RFC 8594).", {"type": "string"}),
}
_HEADERS_OF: dict[Action, tuple[str, ...]] = {
    "list": ("ETag",),
    "create": ("ETag", "Location", "Idempotency-Replayed", "X-Ignored-Fields"),
    "get": ("ETag",),
    "update": ("ETag", "Idempotency-Replayed", "X-Ignored-Fields"),
    "delete": (),
}
_ALWAYS = ("X-GraphQL-Operation", "X-Ignored-Parameters", "Preference-Applied", "Deprecation", "Sunset")


def openapi(translator: Translator) -> dict[str, Any]:
    """The whole document; `servers` names the public URL, or the server that it is read from."""
    paths: JsonSchema = {}
    for bound in translator.bound.values():
        paths.setdefault(bound.path, {})[bound.method.lower()] = _operation(bound)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Opportunities API",
            "version": VERSION,
            "description": "Each call is one GraphQL operation: `X-GraphQL-Operation` names it, and `/api/_graphql` shows it.",
        },
        "servers": [{"url": translator.graph.public_url or "/"}],
        "tags": [{"name": resource.name} for resource in translator.resources],
        "security": [{"bearer": []}],
        "paths": paths | {EXPLAIN: _explanation()},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A workspace's API key, or a user's token."}},
            "schemas": _schemas(translator),
            "responses": error_answers(),
            "parameters": {name: _header_parameter(name) for name in _REQUEST_HEADERS},
            "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in _ANSWER_HEADERS.items()},
        },
    }


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _header_parameter(name: str) -> JsonSchema:
    text, schema = _REQUEST_HEADERS[name]
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _schemas(translator: Translator) -> JsonSchema:
    found: JsonSchema = dict(ERROR_SCHEMAS)
    for resource in translator.resources:
        by = {action: translator.bound[resource.name, action] for action in METHODS}
        for name, bound in ((resource.type, by["get"]), (f"{resource.type}Item", by["list"])):
            found[name] = object_schema(bound.sources)
            found[f"{name}Fields"] = object_schema(bound.sources, whole=False)
        found[f"{resource.type}Page"] = _page_schema(resource)
        found[f"Create{resource.type}"] = input_schema(by["create"])
        found[f"Update{resource.type}"] = input_schema(by["update"])
    return found


def _page_schema(resource: Resource) -> JsonSchema:
    link = {"type": ["string", "null"], "format": "uri"}
    properties = {
        "count": {"type": "integer", "minimum": 0, "description": "All that match, whatever the page."},
        "next": link | {"description": "The address of the next page."},
        "previous": link | {"description": "The address of the previous page."},
        "results": {"type": "array", "maxItems": 100, "items": _whole_or_fields(f"{resource.type}Item")},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _whole_or_fields(name: str) -> JsonSchema:
    """An object, or with `fields` the part of it that was asked for."""
    return {"anyOf": [_ref("schemas", name), _ref("schemas", f"{name}Fields")]}


def _operation(bound: Bound) -> JsonSchema:
    resource, action = bound.resource, bound.action
    name = bound.document.name
    found: JsonSchema = {
        "operationId": name[0].lower() + name[1:],
        "summary": _SUMMARIES[action].format(name=resource.name, one=resource.one),
        "description": f"In GraphQL: `{bound.document.root_coordinate}`.",
        "tags": [resource.name],
        "parameters": list(_parameters(bound)),
        "responses": _answers(bound),
    }
    if action in resource.deprecated:
        found["deprecated"] = True
    if bound.body:
        examples = {title: {"value": dict(body)} for title, body in resource.examples[action].items()}
        schema = _ref("schemas", f"{action.capitalize()}{resource.type}")
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}
    return found


def _parameters(bound: Bound) -> Iterable[JsonSchema]:
    if "{id}" in bound.path:
        example = bound.resource.keys[0].example
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
    for reader in bound.query.readers.values():
        yield _query_parameter(bound, reader)
    for name in _request_headers(bound):
        yield _ref("parameters", name)


def _query_parameter(bound: Bound, reader: Reader) -> JsonSchema:
    declared = next((one for one in bound.resource.parameters if one.name == reader.name), None)
    found: JsonSchema = {
        "name": reader.name,
        "in": "query",
        "required": False,
        "allowEmptyValue": True,
        "description": declared.description if declared else _PARAMETERS[reader.name],
        "schema": reader.kind.schema(),
    }
    if isinstance(reader.kind, Several):
        found |= {"style": "form", "explode": False}
    if declared and declared.example is not None:
        found["example"] = [declared.example] if isinstance(reader.kind, Several) else declared.example
    return found | ({"deprecated": True} if declared and declared.deprecated else {})


def _request_headers(bound: Bound) -> list[str]:
    wanted = ["Prefer"]
    if bound.action in {"list", "get"}:
        wanted.append("If-None-Match")
    if "expectedVersion" in bound.document.variables:
        wanted.append("If-Match")
    if "idempotencyKey" in bound.document.variables:
        wanted.append("Idempotency-Key")
    return wanted


def _answers(bound: Bound) -> JsonSchema:
    status = {"create": "201", "delete": "204"}.get(bound.action, "200")
    found: JsonSchema = {status: _success(bound)}
    if bound.action in {"list", "get"}:
        found["304"] = {"description": "It is as the `ETag` says.", "headers": {"ETag": _ref("headers", "ETag")}}
    found |= {str(STATUS[code]): _ref("responses", code) for code in _refusals(bound)}
    return found | {"default": _ref("responses", "INTERNAL_ERROR")}


def _refusals(bound: Bound) -> Sequence[str]:
    codes = ["BAD_REQUEST", "UNAUTHENTICATED", "NOT_FOUND", "NOT_ACCEPTABLE", "RATE_LIMITED", "UNAVAILABLE"]
    if bound.method != "GET":
        codes += ["FORBIDDEN", "CONFLICT"]
    if bound.body:
        codes += ["TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_ERROR"]
    if "expectedVersion" in bound.document.variables:
        codes += ["PRECONDITION_FAILED", "PRECONDITION_REQUIRED"]
    return sorted(codes, key=lambda code: STATUS[code])


def _success(bound: Bound) -> JsonSchema:
    headers = {name: _ref("headers", name) for name in (*_HEADERS_OF[bound.action], *_ALWAYS)}
    if bound.action == "delete":
        return {"description": "It is gone.", "headers": headers}
    example = {source.key.name: source.key.example for source in bound.sources}
    name = bound.resource.type
    if bound.action == "list":
        name, example = f"{name}Page", {"count": 1, "next": None, "previous": None, "results": [example]}
    schema = _whole_or_fields(name) if bound.action == "get" else _ref("schemas", name)
    content = {JSON: {"schema": schema, "example": example}}
    return {"description": "Done.", "headers": headers, "content": content} | _links(bound)


def _links(bound: Bound) -> JsonSchema:
    """What may be done next with the record that an answer holds."""
    if bound.action not in {"create", "update"}:
        return {}
    parameters = {"id": "$response.body#/id"}
    verbs = [verb for verb in ("get", "update", "delete") if verb != bound.action]
    return {"links": {f"{verb}It": {"operationId": f"{verb}{bound.resource.type}", "parameters": parameters} for verb in verbs}}


def _explanation() -> JsonSchema:
    explanation = {
        "operationName": "ListOpportunities",
        "document": "query ListOpportunities … { … }",
        "variables": {"filter": {"stage": {"eq": "PROPOSAL"}}, "first": 20, "offset": 0},
        "explorerUrl": "https://crm.example.com/graphql#query=…",
    }
    answers: JsonSchema = {
        "200": {"description": "The translation.", "content": {JSON: {"schema": _ref("schemas", "Explanation"), "example": explanation}}},
        **{str(STATUS[code]): _ref("responses", code) for code in ("BAD_REQUEST", "UNAUTHENTICATED", "NOT_FOUND", "METHOD_NOT_ALLOWED")},
        "default": _ref("responses", "INTERNAL_ERROR"),
    }
    asked = [
        {"name": reader.name, "in": "query", "required": True, "schema": reader.kind.schema() | {"minLength": 1}, "example": example}
        for reader, example in zip(EXPLAINED, ("GET", "/api/opportunities/?stage=proposal"), strict=True)
    ]
    operation = {"summary": "Show what a REST call is in GraphQL", "tags": ["translation"], "parameters": asked, "responses": answers}
    body = {"required": False, "content": {JSON: {"schema": {"description": "The body of the call."}, "example": {"stage": "proposal"}}}}
    return {
        "get": operation | {"operationId": "explainCall"},
        "post": operation | {"operationId": "explainWrite", "requestBody": body},
    }
