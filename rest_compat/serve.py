"""The REST routes as one function, a request in and an answer out; nothing here knows which resource it serves."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias
from urllib.parse import quote

import orjson

from rest_compat.errors import (
    STATUS,
    ErrorItem,
    Headers,
    HttpError,
    HttpResponse,
    InternalError,
    NotFound,
    insufficient_scope,
    invalid,
    malformed,
    no_method,
    not_acceptable,
)
from rest_compat.json_values import Json, JsonObject
from rest_compat.openapi.document import openapi
from rest_compat.openapi.version_3_0 import openapi_3_0
from rest_compat.resources.accounts import ACCOUNTS
from rest_compat.resources.contacts import CONTACTS
from rest_compat.resources.declaration import Resource, RouteAction
from rest_compat.resources.opportunities import OPPORTUNITIES
from rest_compat.tools.explain import PATH as EXPLAIN
from rest_compat.tools.explain import Explain
from rest_compat.translate.call import OVERRIDE, PathEndpoints, TranslatedCall, Translator, no_such, nothing_here
from rest_compat.translate.endpoint import COUNT, ERRORS, JSON_QUERIES, NODES, PAGE_INFO, VERSION
from rest_compat.translate.paging import RestPage

from .headers import NO_VERSION, is_fresh
from .protocol import GraphBackend, OpaqueCaller, OperationResult, Request, RestUse
from .translate import query_method as queries

RESOURCES: tuple[Resource, ...] = (OPPORTUNITIES, ACCOUNTS, CONTACTS)
OPENAPI = "/api/openapi.json"
OPENAPI_3_0 = "/api/openapi-3.0.json"

Answering: TypeAlias = Callable[[TranslatedCall, Request, OpaqueCaller], Awaitable[HttpResponse]]
"""Makes the answer to a call. The list of its headers is its own, since more are added to it."""

_JSON = (b"content-type", b"application/json")
_PRIVATE = [(b"cache-control", b"private"), (b"vary", b"Authorization, Accept")]


class Rest:
    """All resources. Making it checks all declarations and documents: raises DeclarationError where one doesn't fit."""

    def __init__(self, graph: GraphBackend, resources: Sequence[Resource] = RESOURCES) -> None:
        self.translator = Translator(graph, resources)
        described = openapi(self.translator)
        self.documents: Mapping[str, JsonObject] = {OPENAPI: described, OPENAPI_3_0: openapi_3_0(described)}
        """OpenAPI, by its addresses, which need no token."""
        self._graph = graph
        self._explain = Explain(self.translator)
        self._answers: dict[RouteAction, Answering] = {
            "list": self._list,
            "create": self._write,
            "get": self._get,
            "update": self._write,
            "delete": self._write,
        }

    async def answer(self, request: Request) -> HttpResponse:
        """The answer to a request. Raises HttpError.

        With and without the last slash is the same path: clients drop `Authorization` and bodies on redirects.
        """
        found = self.translator.find(request.path)
        if found is None:
            if request.path == EXPLAIN:
                return self._explain.answer(request)
            raise nothing_here()
        path_endpoints, identifier = found
        if OVERRIDE in request.headers:
            request.method = path_endpoints.method(request.method, request.headers)
        endpoint = path_endpoints.actions.get(request.method)
        if endpoint is None or request.caller is None:
            return _other_method(path_endpoints, request)
        request.state["route"], request.state["operation"] = endpoint.path, endpoint.operation_name
        notices = endpoint.notices
        try:
            if not request.accepts_json:
                raise not_acceptable()
            call = self.translator.call(endpoint, identifier, request)
            notices = call.notices
            if call.body is not None or call.ignored:
                request.state["ignored"] = call.ignored
            response = await self._answers[endpoint.action](call, request, request.caller)
        except HttpError as refused:
            self._graph.record_usage(request.caller, (RestUse(endpoint.route, "refused", refused.code.lower()),))
            refused.headers = [*refused.headers, *_cost(request), *notices]
            raise
        response.headers.extend((*_cost(request), *notices))
        return response

    def notices(self, request: Request) -> Headers:
        """The header that names a request's GraphQL operation, for layers that refuse the request before it comes here.

        Leaves `route` and `operation` in the request's state, as serving it would.
        """
        found = self.translator.find(request.path)
        if found is None:
            return []
        path_endpoints, endpoint = found[0], found[0].actions.get(request.method)
        if endpoint is None:
            request.state.setdefault("route", path_endpoints.path)
            return []
        request.state["route"], request.state["operation"] = endpoint.path, endpoint.operation_name
        return endpoint.notices

    def _root(self, call: TranslatedCall, result: OperationResult, state: JsonObject) -> Json:
        """Return the value of the operation's root field; its cost is put into `state`, for the answer's header.

        Raises HttpError where the operation as a whole was refused.
        """
        if "cost" in result.extensions:
            state["cost"] = result.extensions["cost"]["requested"]
        if result.errors or result.data is None:
            raise self._failed(call, result)
        return result.data[call.endpoint.root]

    def _failed(self, call: TranslatedCall, result: OperationResult) -> HttpError:
        """A call refused as a whole. If it did not even begin, it is the body's types that may be at fault."""
        faults = self.translator.faults(call) if not result.executed else []
        if faults:
            return invalid(faults)
        error = (result.errors or [{"message": "The operation has no answer."}])[0]
        extensions = error.get("extensions", {})
        code = extensions.get("code", "INTERNAL_ERROR")
        if code in {"BAD_REQUEST", "CURSOR_EXPIRED"} and call.query.page and call.query.page.position:
            return _no_position(code, call.query.page.way)
        if STATUS.get(code, 500) == STATUS["INTERNAL_ERROR"]:
            return InternalError()
        lacking = extensions.get("missingScopes")
        headers: Headers = [(b"www-authenticate", insufficient_scope(lacking))] if lacking else []
        return HttpError(call.endpoint.message_names.of(error["message"]), headers, code=code)

    async def _list(self, call: TranslatedCall, request: Request, caller: OpaqueCaller) -> HttpResponse:
        prepared, page = call.operation.prepared, call.query.page
        assert page is not None
        url = request.origin + call.endpoint.path
        seen = (caller.visibility.encode(), url.encode(), request.query)
        known = request.headers.get(b"if-none-match")
        if (
            known is not None
            and call.is_stored
            and self._graph.permits(prepared, call.variables, caller)
            and is_fresh(known.decode("latin-1"), tag := entity_tag(await self._graph.revision(caller), *seen))
        ):
            self._graph.record_usage(caller, call.uses)
            return _not_modified(tag)
        result = await self._graph.execute(prepared, call.variables, caller, at_revision=True, uses=call.uses)
        connection = self._root(call, result, request.state)
        assert result.revision is not None
        body = _page_body(call, page, url, connection)
        if call.is_stored:
            tag = entity_tag(result.revision, *seen)
        elif is_fresh(known.decode("latin-1") if known else "", tag := entity_tag(result.revision, *seen, body)):
            return _not_modified(tag)
        return HttpResponse(200, [_JSON, *_PRIVATE, (b"etag", tag.encode())], body)

    async def _get(self, call: TranslatedCall, request: Request, caller: OpaqueCaller) -> HttpResponse:
        operation = call.operation
        result = await self._graph.execute(operation.prepared, call.variables, caller, uses=call.uses)
        record = self._root(call, result, request.state)
        if record is None:
            raise no_such(call.endpoint.resource)
        body = orjson.dumps(operation.write(record))
        tag = record_tag(record.get(VERSION, 0), request.epoch, body)
        known = request.headers.get(b"if-none-match")
        if known is not None and is_fresh(known.decode("latin-1"), tag):
            return _not_modified(tag)
        return HttpResponse(200, [_JSON, *_PRIVATE, (b"etag", tag.encode())], body)

    async def _write(self, call: TranslatedCall, request: Request, caller: OpaqueCaller) -> HttpResponse:
        result = await self._graph.execute(call.operation.prepared, call.variables, caller, uses=call.uses)
        for version in call.older:
            if not _wants_other_version(call, result):
                break
            call.variables["expectedVersion"] = version
            result = await self._graph.execute(call.operation.prepared, call.variables, caller)
        payload = _payload(call, self._root(call, result, request.state))
        headers: Headers = [(b"idempotency-replayed", b"true")] if result.extensions.get("idempotencyReplayed") else []
        if call.endpoint.action == "delete":
            return HttpResponse(204, headers, b"")
        return _written(call, request, payload[call.endpoint.record[0]], headers)


def _written(call: TranslatedCall, request: Request, record: JsonObject, headers: Headers) -> HttpResponse:
    """The answer that shows a record which was just created or changed."""
    shaped = call.operation.write(record)
    body = orjson.dumps(shaped)
    headers += [_JSON, (b"etag", record_tag(record.get(VERSION, 0), request.epoch, body).encode())]
    if call.endpoint.action == "update":
        return HttpResponse(200, headers, body)
    location = f"{request.origin}{call.endpoint.path}{quote(shaped['id'], safe='')}/"
    return HttpResponse(201, [*headers, (b"location", location.encode())], body)


def _other_method(path_endpoints: PathEndpoints, request: Request) -> HttpResponse:
    request.state["route"] = path_endpoints.path
    if request.method != "OPTIONS":
        raise no_method(request.method, path_endpoints.allow)
    queried = [JSON_QUERIES] if queries.METHOD in path_endpoints.actions else []
    return HttpResponse(204, [(b"allow", path_endpoints.allow.encode()), *queried], b"")


def _cost(request: Request) -> Headers:
    return [(b"x-graphql-cost", b"%d" % request.state["cost"])] if "cost" in request.state else []


def _wants_other_version(call: TranslatedCall, result: OperationResult) -> bool:
    """Whether a write is refused for its version: by the record, or since its idempotency key was used with another one."""
    if result.errors or result.data is None:
        return any(error.get("extensions", {}).get("reason") == "KEY_REUSED" for error in result.errors or ())
    return any(fault["code"] == "PRECONDITION_FAILED" for fault in result.data[call.endpoint.root][ERRORS])


def _payload(call: TranslatedCall, payload: JsonObject) -> JsonObject:
    """A mutation's payload. Raises HttpError if it says what to mend."""
    faults = payload[ERRORS]
    if not faults:
        return payload
    about_body = [_item(call, fault) for fault in faults if fault["field"]]
    if about_body:
        raise invalid(about_body)
    raise _about_record(call, faults[0]["code"], call.endpoint.message_names.of(faults[0]["message"]))


def _about_record(call: TranslatedCall, code: str, message: str) -> HttpError:
    """The two that REST words itself: all absent records are alike, and clients know tags and no versions."""
    resource = call.endpoint.resource
    if code == "NOT_FOUND":
        return no_such(resource)
    if code == "PRECONDITION_FAILED":
        of_none = call.variables.get("expectedVersion") == NO_VERSION
        said = f"If-Match holds no tag of this {resource.singular}: send its ETag as it came, in its quotes, or read it again."
        return HttpError(said if of_none else f"This {resource.singular} is no longer as If-Match says: read it again.", code=code)
    return HttpError(message, code=code)


def _item(call: TranslatedCall, fault: JsonObject) -> ErrorItem:
    field, *below = fault["field"]
    name = call.endpoint.body.name(field) if call.endpoint.body else field
    return ErrorItem(".".join([name, *below]), fault["code"].lower(), call.endpoint.message_names.of(fault["message"]))


def _page_body(call: TranslatedCall, page: RestPage, url: str, connection: JsonObject) -> bytes:
    count = connection[COUNT]
    if page.is_past(count):
        raise NotFound(f"There is no page {page.number}: the last one is {max(1, -(-count // page.limit))}.")
    results = list(map(call.operation.write, connection[NODES]))
    following, preceding = page.links(url, count, len(results), connection[PAGE_INFO])
    return orjson.dumps({"count": count, "next": following, "previous": preceding, "results": results})


def _no_position(code: str, way: str) -> HttpError:
    """A position that this list can't begin from."""
    if code == "CURSOR_EXPIRED":
        return HttpError("The position is from before the database was restored: read the list again from its first page.", code=code)
    message = f"{way} is no position in this list in this order; allowed is what a `next` or `previous` link of it holds."
    return malformed([ErrorItem(way, "bad_request", message)])


def _not_modified(tag: str) -> HttpResponse:
    return HttpResponse(304, [*_PRIVATE, (b"etag", tag.encode())], b"")


def entity_tag(version: int, *parts: bytes) -> str:
    """A strong tag: `"<version>-<digest of the parts>"`."""
    digest = blake2b(b"\0".join(parts), digest_size=8).hexdigest()
    return f'"{version}-{digest}"'


def record_tag(version: int, epoch: int, body: bytes) -> str:
    """The tag of a record's answer; in a database that was restored it tells the epoch too: `"<version>.<epoch>-<digest>"`."""
    digest = blake2b(body, digest_size=8).hexdigest()
    return f'"{version}.{epoch}-{digest}"' if epoch else f'"{version}-{digest}"'
