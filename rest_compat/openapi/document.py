"""OpenAPI 3.1 of all routes, generated from the declarations that route and translate; `openapi_3_0` says the same in 3.0.3.

The shapes are those that code generators read without loss: no `anyOf` (most make an untyped value of it), amounts as `double` (some hold
numbers without a format in 32 bits), no `multipleOf: 0.01` (which binary floating point can't decide), and always the whole object.
"""

from collections.abc import Iterable, Mapping, Sequence

from rest_compat.errors import STATUS
from rest_compat.json_values import JsonObject
from rest_compat.resources.declaration import Parameter, Resource, RouteAction
from rest_compat.tools.explain import PARAMETERS as EXPLAINED
from rest_compat.tools.explain import PATH as EXPLAIN
from rest_compat.translate.body import READ_BACK
from rest_compat.translate.call import WHOLE, Translator, request_of
from rest_compat.translate.endpoint import Endpoint
from rest_compat.translate.paging import AFTER, BEFORE, LIMIT, OFFSET, PAGE
from rest_compat.translate.query import FIELDS, ORDERING, ParameterReader

from .errors import ERROR_SCHEMAS, error_answers
from .headers import asked_headers, header_components, page_headers, parameter_components, success_headers, unchanged_headers
from .types import input_schema, object_schema

JSON = "application/json"
TRANSLATION = "translation"

_SUMMARIES: dict[RouteAction, str] = {
    "list": "List {name}",
    "create": "Create {one}",
    "get": "Get {one}",
    "update": "Update {one}",
    "delete": "Delete {one}",
}
_DONE: dict[RouteAction, str] = {
    "list": "A page of the records that match.",
    "create": "The new record.",
    "get": "The record as it is now.",
    "update": "The record after the change.",
    "delete": "The record is deleted.",
}
_SENT_BACK = (
    f"A body that holds `{READ_BACK}`, or every key that can be written, is the whole object sent back: in it, values that equal the "
    "stored ones count as left out."
)
_PARAMETERS = {
    PAGE: "The number of the page, from 1. Either this or `offset` may be given.",
    LIMIT: "How many results a page has, 20 by default. More than 100 is taken as 100.",
    OFFSET: "How many results are passed over before the first. Either this or `page` may be given.",
    AFTER: "The position at which a `next` link begins, so that nothing is lost or repeated while records come and go. Opaque. It counts "
    "for the page of that link only.",
    BEFORE: "The position at which a `previous` link ends; the same as `after` in the other direction.",
    ORDERING: "The keys to order by, separated by commas, with `-` before a key for descending. By default the newest come first.",
    FIELDS: (
        "The keys that the answer has, separated by commas. The GraphQL operation then selects only those. "
        "The schemas describe the whole object: where this parameter is sent, the other keys are absent, although they are required there."
    ),
}

_ALWAYS = ("UNAUTHENTICATED", "METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE", "RATE_LIMITED", "HEADERS_TOO_LARGE", "UNAVAILABLE", "TIMEOUT")
_EXPLAIN_REFUSALS = (
    *("BAD_REQUEST", *_ALWAYS, "NOT_FOUND", "REQUEST_TIMEOUT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    *("VALIDATION_ERROR", "PRECONDITION_REQUIRED"),
)


def openapi(translator: Translator) -> JsonObject:
    """The whole document; `servers` names the public URL, or the server that it is read from."""
    paths: JsonObject = {}
    for endpoint in translator.endpoints.values():
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, translator)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Opportunities API",
            "version": translator.graph.version,
            "description": "Each call is one GraphQL operation: `X-GraphQL-Operation` names it, and `/api/_graphql` shows it.",
        },
        "servers": [{"url": translator.graph.public_url or "/"}],
        "tags": [{"name": name} for name in (*(resource.name for resource in translator.resources), TRANSLATION)],
        "security": [{"bearer": []}],
        "paths": paths | {EXPLAIN: _explanation(translator)},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A workspace's API key, or a user's token."}},
            "schemas": _schemas(translator),
            "responses": error_answers(),
            "parameters": parameter_components(),
            "headers": header_components(),
        },
    }


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schemas(translator: Translator) -> JsonObject:
    found: JsonObject = dict(ERROR_SCHEMAS)
    for resource in translator.resources:
        found |= _resource_schemas(resource, {endpoint.action: endpoint for endpoint in translator.endpoints_of(resource)})
    return found


def _resource_schemas(resource: Resource, by: Mapping[RouteAction, Endpoint]) -> JsonObject:
    """The schemas of the whole object, of a list's items and pages, and of bodies, as far as the resource's actions have them."""
    name, found = resource.schema_name, JsonObject()
    if whole := by.get("get") or by.get("create") or by.get("update"):
        found[name] = object_schema(whole.sources)
    if listed := by.get("list"):
        found |= {f"{name}Item": object_schema(listed.sources), f"{name}Page": _page_schema(resource)}
    bodies: tuple[RouteAction, ...] = ("create", "update")
    return found | {f"{action.capitalize()}{name}": input_schema(by[action]) for action in bodies if action in by}


def _page_schema(resource: Resource) -> JsonObject:
    link = {"type": ["string", "null"], "format": "uri"}
    properties = {
        "count": {"type": "integer", "minimum": 0, "description": "How many records match, on all pages together."},
        "next": link | {"description": "The address of the next page."},
        "previous": link | {"description": "The address of the previous page."},
        "results": {"type": "array", "maxItems": 100, "items": _ref("schemas", f"{resource.schema_name}Item")},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _description(endpoint: Endpoint) -> str:
    """The description of an operation: its GraphQL operation, and which keys of a whole object count as given."""
    found = f"In GraphQL: `{endpoint.document.root_coordinate}`."
    return f"{found} {_SENT_BACK}" if WHOLE in endpoint.document.variables else found


def _operation(endpoint: Endpoint, translator: Translator) -> JsonObject:
    resource, action = endpoint.resource, endpoint.action
    found: JsonObject = {
        "operationId": _operation_id(endpoint),
        "summary": _SUMMARIES[action].format(name=resource.name.replace("-", " "), one=resource.one),
        "description": _description(endpoint),
        "tags": [resource.name],
        "parameters": list(_parameters(endpoint)),
        "responses": _answers(endpoint, translator),
    }
    if endpoint.deprecations_always:
        found["deprecated"] = True
    if endpoint.body:
        examples = {title: {"value": dict(body)} for title, body in resource.examples.get(action, {}).items()}
        schema = _ref("schemas", f"{action.capitalize()}{resource.schema_name}")
        content = {"schema": schema} | ({"examples": examples} if examples else {})
        found["requestBody"] = {"required": True, "content": {JSON: content}}
    return found


def _parameters(endpoint: Endpoint) -> Iterable[JsonObject]:
    if "{id}" in endpoint.path:
        example = endpoint.resource.keys[0].example
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
    for reader in endpoint.query.readers.values():
        yield _query_parameter(endpoint, reader)
    for name in asked_headers(endpoint):
        yield _ref("parameters", name)


def _query_parameter(endpoint: Endpoint, reader: ParameterReader) -> JsonObject:
    declared = next((one for one in endpoint.resource.parameters if one.name == reader.name), None)
    found: JsonObject = {
        "name": reader.name,
        "in": "query",
        "required": False,
        "allowEmptyValue": True,
        "description": _parameter_description(reader, declared),
        "schema": reader.type.schema,
    }
    if reader.type.is_list:
        found |= {"style": "form", "explode": False}
    if declared and declared.example is not None:
        found["example"] = [declared.example] if reader.type.is_list else declared.example
    return found | ({"deprecated": True} if reader.deprecated else {})


def _parameter_description(reader: ParameterReader, declared: Parameter | None) -> str:
    text = declared.description if declared else _PARAMETERS[reader.name]
    return f"{text} {reader.type.note}" if reader.type.note else text


def _answers(endpoint: Endpoint, translator: Translator) -> JsonObject:
    status = {"create": "201", "delete": "204"}.get(endpoint.action, "200")
    found: JsonObject = {status: _success(endpoint, translator)}
    if endpoint.action in {"list", "get"}:
        found["304"] = {"description": "Nothing has changed since the `ETag` that was sent.", "headers": unchanged_headers()}
    found |= {str(STATUS[code]): _ref("responses", code) for code in _refusals(endpoint)}
    return found | {"default": _ref("responses", "INTERNAL_ERROR")}


def _refusals(endpoint: Endpoint) -> Sequence[str]:
    # A token may lack a scope for any of them.
    codes = ["BAD_REQUEST", "FORBIDDEN", *_ALWAYS]
    if endpoint.action != "create":
        codes.append("NOT_FOUND")
    if endpoint.action == "list":
        codes.append("CURSOR_EXPIRED")
    if endpoint.method != "GET":
        codes += ["REQUEST_TIMEOUT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"]
    if endpoint.action == "delete" or "idempotencyKey" in endpoint.document.variables:
        codes.append("CONFLICT")
    if endpoint.body or "idempotencyKey" in endpoint.document.variables:
        codes.append("VALIDATION_ERROR")
    if "expectedVersion" in endpoint.document.variables:
        codes += ["PRECONDITION_FAILED", "PRECONDITION_REQUIRED"]
    return sorted(codes, key=lambda code: STATUS[code])


def _success(endpoint: Endpoint, translator: Translator) -> JsonObject:
    headers = success_headers(endpoint)
    if endpoint.action == "delete":
        return {"description": _DONE[endpoint.action], "headers": headers}
    example = {source.key.name: source.key.example for source in endpoint.sources}
    name = endpoint.resource.schema_name
    if endpoint.action == "list":
        name, example = f"{name}Page", {"count": 1, "next": None, "previous": None, "results": [example]}
    content = {JSON: {"schema": _ref("schemas", name), "example": example}}
    return {"description": _DONE[endpoint.action], "headers": headers, "content": content} | _links(endpoint, translator)


def _links(endpoint: Endpoint, translator: Translator) -> JsonObject:
    """The OpenAPI links from an answer's record to further operations on it."""
    if endpoint.action not in {"create", "update"}:
        return {}
    parameters = {"id": "$response.body#/id"}
    others = [other for other in translator.endpoints_of(endpoint.resource) if "{id}" in other.path and other is not endpoint]
    return {"links": {f"{one.action}It": {"operationId": _operation_id(one), "parameters": parameters} for one in others}}


def _operation_id(endpoint: Endpoint) -> str:
    name = endpoint.document.name
    return name[0].lower() + name[1:]


def _explanation(translator: Translator) -> JsonObject:
    target = "/api/opportunities/?stage=proposal"
    example = translator.translate(request_of("GET", target)).to_dict(translator.graph.public_url or "http://127.0.0.1:8000")
    shown = {"schema": _ref("schemas", "Explanation"), "example": example}
    answers: JsonObject = {
        "200": {"description": "What the call is in GraphQL.", "headers": page_headers(), "content": {JSON: shown}},
        **{str(STATUS[code]): _ref("responses", code) for code in _EXPLAIN_REFUSALS},
        "default": _ref("responses", "INTERNAL_ERROR"),
    }
    asked = [
        {"name": reader.name, "in": "query", "required": True, "schema": reader.type.schema | {"minLength": 1}, "example": example}
        for reader, example in zip(EXPLAINED, ("GET", target), strict=True)
    ]
    operation = {
        "summary": "Show what a REST call is in GraphQL",
        "description": "Nothing is executed. The answer has the operation, its variables, and a link that opens them in the explorer.",
        "tags": [TRANSLATION],
        "parameters": asked,
        "responses": answers,
    }
    body = {"required": False, "content": {JSON: {"schema": {"description": "The body of the call."}, "example": {"stage": "proposal"}}}}
    return {
        "get": operation | {"operationId": "explainCall"},
        "post": operation | {"operationId": "explainWrite", "requestBody": body},
    }
