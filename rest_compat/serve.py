"""The routes as plain ASGI: a call is translated, executed and shaped; nothing here knows which resource it serves."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

import orjson
from starlette.types import Receive, Scope, Send

from rest_compat.resources.declaration import Action, Resource
from rest_compat.translate.call import PathEndpoints, Request, TranslatedCall, Translator, no_such
from rest_compat.translate.endpoint import COUNT, ERRORS, JSON_QUERIES, NODES, PAGE_INFO, VERSION, Endpoint
from rest_compat.translate.paging import Page

from .errors import STATUS, Headers, Item, Refused, error_response, insufficient_scope, invalid, malformed, no_method
from .headers import check_accept, entity_tag, is_fresh, read_headers, record_tag
from .protocol import Answer, Use
from .translate import query_method as queries

Response: TypeAlias = tuple[int, Headers, bytes]

#: RFC 9112, section 3.2: a name, an address, or an IPv6 address in brackets; and a port.
HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
_JSON = (b"content-type", b"application/json")
_PRIVATE = [(b"cache-control", b"private"), (b"vary", b"Authorization, Accept")]
_WITH_BODY = {"POST", "PATCH", queries.METHOD}


class ClientGone(Exception):
    """The client left while sending its body: there is nobody to answer."""


class Server:
    """Answers every route of every resource. Wants `caller` in `scope["state"]`, and leaves the path's pattern in `route` beside it."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._graph = translator.graph
        self._answers: dict[Action, Callable[[TranslatedCall, Request, Scope], Awaitable[Response]]] = {
            "list": self._list,
            "create": self._write,
            "get": self._get,
            "update": self._write,
            "delete": self._write,
        }

    async def serve(self, path_endpoints: PathEndpoints, identifier: str, scope: Scope, receive: Receive, send: Send) -> None:
        """One request to a resource's path, answered whatever it is (other than a defect, which is raised)."""
        method, state = scope["method"], scope["state"]
        headers: dict[bytes, str] = {}
        notices: Headers = []
        endpoint: Endpoint | None = None
        try:
            headers = read_headers(scope["headers"])
            if method == "POST":
                method = path_endpoints.method(method, headers)
            endpoint = path_endpoints.action(method)
            if endpoint is None:
                status, own, body = _other_method(path_endpoints, method, state)
            else:
                state["route"], state["operation"], notices = endpoint.path, endpoint.operation_name, endpoint.notices
                check_accept(headers.get(b"accept", ""))
                sent = await read_body(headers, receive, self._graph.max_body) if method in _WITH_BODY else b""
                request = Request(method, scope["path"], scope["query_string"], headers, sent)
                call = self._translator.call(endpoint, identifier, request)
                notices = call.notices
                self._graph.record_usage(state["caller"], call.uses)
                if call.body is not None or call.parsed.ignored:
                    state["ignored"] = call.ignored
                status, own, body = await self._answers[endpoint.action](call, request, scope)
        except ClientGone:
            return
        except Refused as refused:
            if endpoint is not None and "caller" in state:
                self._graph.record_usage(state["caller"], (Use(endpoint.route, "refused", refused.code.lower()),))
            state["error"] = refused.code
            status, own, body = refusal(refused, headers.get(b"accept", ""), state)
        if "cost" in state:
            own.append((b"x-graphql-cost", b"%d" % state["cost"]))
        await answer(send, (status, own + notices, body), head=method == "HEAD")

    def _root(self, call: TranslatedCall, result: Answer, state: dict[str, Any]) -> Any:
        """What the operation's root field answered; its cost is left in `state`, for the answer's header.

        Raises Refused where the operation as a whole was refused.
        """
        if "cost" in result.extensions:
            state["cost"] = result.extensions["cost"]["requested"]
        if result.errors or result.data is None:
            raise self._failed(call, result)
        return result.data[call.parsed.endpoint.root]

    def _failed(self, call: TranslatedCall, result: Answer) -> Refused:
        """A call refused as a whole. If it did not even begin, it is the body's types that may be at fault."""
        faults = self._translator.faults(call) if not result.executed else []
        if faults:
            return invalid(faults)
        error = (result.errors or [{"message": "The operation has no answer."}])[0]
        extensions = error.get("extensions", {})
        code = extensions.get("code", "INTERNAL_ERROR")
        if code in {"BAD_REQUEST", "CURSOR_EXPIRED"} and call.query.page and call.query.page.position:
            return _no_position(code, call.query.page.way)
        if STATUS.get(code, 500) == STATUS["INTERNAL_ERROR"]:
            return Refused("INTERNAL_ERROR", "Something went wrong in the gateway. Its log has the details under the id of this request.")
        lacking = extensions.get("missingScopes")
        headers = {"WWW-Authenticate": insufficient_scope(lacking)} if lacking else {}
        return Refused(code, call.endpoint.message_names.of(error["message"]), headers=headers)

    async def _list(self, call: TranslatedCall, request: Request, scope: Scope) -> Response:
        page, caller = call.query.page, scope["state"]["caller"]
        assert page is not None
        url = self._base(scope, request) + call.endpoint.path
        seen = (self._graph.sight(caller).encode(), url.encode(), request.query)
        known = request.headers.get(b"if-none-match")
        if (
            known is not None
            and self._graph.permits(call.operation.prepared, call.variables, caller)
            and is_fresh(known, tag := entity_tag(await self._graph.revision(caller), *seen))
        ):
            return _not_modified(tag)
        result = await self._graph.execute(call.operation.prepared, call.variables, caller, at_revision=True)
        connection = self._root(call, result, scope["state"])
        assert result.revision is not None
        tag = entity_tag(result.revision, *seen)
        return 200, [_JSON, *_PRIVATE, _etag(tag)], _page_body(call, page, url, connection)

    async def _get(self, call: TranslatedCall, request: Request, scope: Scope) -> Response:
        operation, state = call.parsed.operation, scope["state"]
        result = await self._graph.execute(operation.prepared, call.variables, state["caller"])
        record = self._root(call, result, state)
        if record is None:
            raise no_such(call.endpoint.resource)
        body = orjson.dumps(operation.write(record))
        tag = record_tag(record.get(VERSION, 0), self._graph.epoch, body)
        known = request.headers.get(b"if-none-match")
        if known is not None and is_fresh(known, tag):
            return _not_modified(tag)
        return 200, [_JSON, *_PRIVATE, _etag(tag)], body

    async def _write(self, call: TranslatedCall, request: Request, scope: Scope) -> Response:
        state = scope["state"]
        result = await self._graph.execute(call.operation.prepared, call.variables, state["caller"])
        for version in call.older:
            if not _wants_other_version(call, result):
                break
            call.variables["expectedVersion"] = version
            result = await self._graph.execute(call.operation.prepared, call.variables, state["caller"])
        payload = _payload(call, self._root(call, result, state))
        headers: Headers = [(b"idempotency-replayed", b"true")] if result.extensions.get("idempotencyReplayed") else []
        if call.endpoint.action == "delete":
            return 204, headers, b""
        return self._written(call, request, scope, payload[call.endpoint.record[0]], headers)

    def _written(self, call: TranslatedCall, request: Request, scope: Scope, record: dict[str, Any], headers: Headers) -> Response:
        """The answer that shows a record which was just created or changed."""
        shaped = call.operation.write(record)
        body = orjson.dumps(shaped)
        headers += [_JSON, _etag(record_tag(record.get(VERSION, 0), self._graph.epoch, body))]
        if call.endpoint.action == "update":
            return 200, headers, body
        location = f"{self._base(scope, request)}{call.endpoint.path}{quote(shaped['id'], safe='')}/"
        return 201, [*headers, (b"location", location.encode())], body

    def _base(self, scope: Scope, request: Request) -> str:
        """The address that links begin with."""
        return self._graph.public_url or address(scope, request.headers)


def _other_method(path_endpoints: PathEndpoints, method: str, state: dict[str, Any]) -> Response:
    state["route"] = path_endpoints.path
    if method == "OPTIONS":
        return 204, [(b"allow", path_endpoints.allow.encode()), *([JSON_QUERIES] if queries.METHOD in path_endpoints.actions else [])], b""
    raise no_method(method, path_endpoints.allow)


def _wants_other_version(call: TranslatedCall, result: Answer) -> bool:
    """Whether a write is refused for its version: by the record, or since its idempotency key was used with another one."""
    if result.errors or result.data is None:
        return any(error.get("extensions", {}).get("reason") == "KEY_REUSED" for error in result.errors or ())
    return any(fault["code"] == "PRECONDITION_FAILED" for fault in result.data[call.endpoint.root][ERRORS])


def _payload(call: TranslatedCall, payload: dict[str, Any]) -> dict[str, Any]:
    """A mutation's payload. Raises Refused if it says what to mend."""
    faults = payload[ERRORS]
    if not faults:
        return payload
    about_body = [_item(call, fault) for fault in faults if fault["field"]]
    if about_body:
        raise invalid(about_body)
    raise _about_record(call.endpoint.resource, faults[0]["code"], call.endpoint.message_names.of(faults[0]["message"]))


def _about_record(resource: Resource, code: str, message: str) -> Refused:
    """The two that REST words itself: all absent records are alike, and clients know tags and no versions."""
    if code == "NOT_FOUND":
        return no_such(resource)
    if code == "PRECONDITION_FAILED":
        return Refused(code, f"This {resource.singular} is no longer as If-Match says: read it again.")
    return Refused(code, message)


def _item(call: TranslatedCall, fault: dict[str, Any]) -> Item:
    field, *below = fault["field"]
    name = call.endpoint.body.name(field) if call.endpoint.body else field
    return Item(".".join([name, *below]), fault["code"].lower(), call.endpoint.message_names.of(fault["message"]))


def _page_body(call: TranslatedCall, page: Page, url: str, connection: dict[str, Any]) -> bytes:
    count = connection[COUNT]
    if page.is_past(count):
        raise Refused("NOT_FOUND", f"There is no page {page.number}: the last one is {max(1, -(-count // page.limit))}.")
    results = list(map(call.operation.write, connection[NODES]))
    following, preceding = page.links(url, count, len(results), connection[PAGE_INFO])
    return orjson.dumps({"count": count, "next": following, "previous": preceding, "results": results})


def _no_position(code: str, way: str) -> Refused:
    """A position that this list can't begin from."""
    if code == "CURSOR_EXPIRED":
        return Refused(code, "The position is from before the database was restored: read the list again from its first page.")
    told = f"{way} is no position in this list in this order; allowed is what a `next` or `previous` link of it holds."
    return malformed([Item(way, "bad_request", told)])


def _not_modified(tag: str) -> Response:
    return 304, [*_PRIVATE, _etag(tag)], b""


def _etag(tag: str) -> tuple[bytes, bytes]:
    return b"etag", tag.encode()


def refusal(refused: Refused, accept: str, state: dict[str, Any]) -> Response:
    """The answer to a call that is refused."""
    status = STATUS[refused.code]
    request_id = state.get("request_id") if status == STATUS["INTERNAL_ERROR"] else None
    return error_response(
        status,
        refused.code,
        refused.detail,
        errors=refused.errors,
        headers=refused.headers,
        accept=accept,
        request_id=request_id.decode() if isinstance(request_id, bytes) else request_id,
    )


def address(scope: Scope, headers: Mapping[bytes, str]) -> str:
    """`https://host:port`, as the request says it, for links where no public URL is configured.

    Raises 400 for a Host that is none: it would lead wherever its sender likes, through whoever keeps the answer.
    """
    host = headers.get(b"host")
    if not host:
        name, port = scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    elif not HOST.fullmatch(host):
        raise malformed([Item("Host", "bad_request", "Allowed are a host name or an address, and a port.")])
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '')}"


async def read_body(headers: dict[bytes, str], receive: Receive, most: int) -> bytes:
    """The whole body, counted while it comes. Raises Refused (413) as soon as it is too long, and ClientGone."""
    length = headers.get(b"content-length", "")
    too_large = Refused("TOO_LARGE", f"The body is over {most} bytes.")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise too_large
        if not message.get("more_body"):
            return b"".join(chunks)


async def answer(send: Send, response: Response, *, head: bool) -> None:
    """Send an answer whole; to HEAD without its body."""
    status, headers, body = response
    if body:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
