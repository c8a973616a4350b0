"""A REST call in GraphQL's words: which operation, which document, which variables. Executes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote_to_bytes, urlencode

import orjson

from rest_compat.deprecations import Deprecated
from rest_compat.errors import ErrorItem, HttpError, NotFound, invalid, malformed, no_method
from rest_compat.headers import check_content_type, expected_versions, idempotency_key
from rest_compat.json_values import Json, JsonObject
from rest_compat.parse_cache import LONGEST_KEPT
from rest_compat.preferences import NONE, Preferences, read_preferences
from rest_compat.protocol import BodyDecodeError, GraphBackend, Request
from rest_compat.resources.declaration import ACTIONS, DeclarationError, Resource, RouteAction, check_resources

from .body import Body, BodyReader, body_item
from .endpoint import Endpoint, ParsedQuery, RestOperation
from .operation_cache import OperationCache
from .query_method import METHOD as QUERY
from .query_method import query_string

PREFIX = "/api/"
WHOLE = "ignoreUnchanged"
"""The variable that says that a body is the whole object sent back."""
JSON_BODY = {b"content-type": b"application/json"}
ORDER = ("POST", "PATCH", "DELETE", QUERY)
OVERRIDE = b"x-http-method-override"
"""A POST to a record with this header is a PATCH or DELETE: Java's HttpURLConnection can't send PATCH."""
OVERRIDDEN = ("PATCH", "DELETE")


class TranslatedCall:
    """A REST call, translated. Without a body, all that it is follows from its query string, and was made with that.

    `older` are further versions that `If-Match` names, beside the `expectedVersion` in the variables.
    """

    __slots__ = ("body", "endpoint", "ignored", "is_stored", "notices", "older", "operation", "query", "uses", "variables")

    def __init__(self, parsed: ParsedQuery, variables: JsonObject, body: Body | None = None, older: Sequence[int] = ()) -> None:
        self.endpoint, self.query, self.operation, self.is_stored = parsed.endpoint, parsed.query, parsed.operation, parsed.is_stored
        self.variables = variables
        self.body = body
        self.older = older
        self.ignored = parsed.ignored
        """The parts of the call without effect: unknown or empty parameters, and unknown keys of the body. Percent-encoded, bounded."""
        self.uses = parsed.uses
        """The parts of REST that the call uses: its route, its parameters, the keys that it names."""
        self.notices = parsed.notices
        """The headers about the call itself, in every answer."""
        if body is not None:
            self.ignored = (*parsed.ignored, *body.unknown)
            self.uses = self.endpoint.uses_of(self.query.used, frozenset(body.used), self.ignored)
            self.notices = self.endpoint.notice_headers(parsed.ignored, body.unknown, self.deprecations, body.preferences)

    @property
    def keys(self) -> frozenset[str]:
        """The keys that it names, in `fields` or in its body."""
        return frozenset(self.body.used) if self.body else self.query.fields or frozenset()

    @property
    def deprecations(self) -> tuple[Deprecated, ...]:
        """The deprecated parts of REST that the call uses."""
        return self.endpoint.deprecations(self.query.used, self.keys)

    def to_dict(self, base: str) -> JsonObject:
        """The answer of `/api/_graphql`; `base` is the address of the server."""
        variables = orjson.dumps(self.variables).decode()
        names = {"query": self.operation.document, "variables": variables, "operationName": self.endpoint.document.name}
        return {
            "operationName": self.endpoint.document.name,
            "document": self.operation.document,
            "variables": self.variables,
            "ignored": list(self.ignored),
            "deprecations": [one.to_dict() for one in self.deprecations],
            "explorerUrl": f"{base}/graphql#{urlencode(names, quote_via=quote)}",
        }


class PathEndpoints:
    """A kind of path, with the actions that it has by method: a collection, or one of its records."""

    def __init__(self, actions: Sequence[Endpoint]) -> None:
        self.actions = {method: endpoint for endpoint in actions for method in endpoint.methods}
        """The endpoint of each method; HEAD is GET without a body in the answer, QUERY is GET with its parameters in the body."""
        self.path = actions[0].path

    def method(self, method: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the method of a request, which a POST to a record may name in a header. Raises 405 for an unsupported one."""
        if method != "POST" or OVERRIDE not in headers:
            return method
        wanted = headers[OVERRIDE].decode("latin-1").strip().upper()
        if wanted in {"", method}:
            return method
        if wanted in OVERRIDDEN and wanted in self.actions:
            return wanted
        raise no_method(wanted, self.allow, "X-HTTP-Method-Override on POST may name PATCH or DELETE, at the address of one record")

    @property
    def allow(self) -> str:
        """Return the value of the header `Allow`."""
        own = sorted(self.actions.keys() - {"GET", "HEAD"}, key=ORDER.index)
        return ", ".join([*(["GET", "HEAD"] if "GET" in self.actions else []), *own, "OPTIONS"])


class Translator:
    """The endpoints of all resources. Raises DeclarationError at start where something does not fit."""

    def __init__(self, graph: GraphBackend, resources: Sequence[Resource]) -> None:
        check_resources(resources)
        self.graph = graph
        self.resources = resources
        operations = OperationCache[RestOperation]()
        self.endpoints: dict[tuple[str, RouteAction], Endpoint] = {
            (resource.name, action): Endpoint(graph, resource, action, operations)
            for resource in resources
            for action in ACTIONS
            if action in resource.actions
        }
        _check_operation_names(self.endpoints.values())
        for resource in resources:
            _check_inputs(resource, [self.endpoints[resource.name, each].body for each in resource.actions])
        self._collections = self._by_name("list", "create")
        self._records = self._by_name("get", "update", "delete")

    def _by_name(self, *actions: RouteAction) -> dict[str, PathEndpoints]:
        """The resources that have any of the actions."""
        found: dict[str, list[Endpoint]] = {}
        for (name, action), endpoint in self.endpoints.items():
            if action in actions:
                found.setdefault(name, []).append(endpoint)
        return {name: PathEndpoints(endpoints) for name, endpoints in found.items()}

    def endpoints_of(self, resource: Resource) -> list[Endpoint]:
        """A resource's endpoints, in the order of `ACTIONS`."""
        return [endpoint for (name, _), endpoint in self.endpoints.items() if name == resource.name]

    def find(self, path: str) -> tuple[PathEndpoints, str] | None:
        """The endpoints of a decoded path, with or without its last slash, and the id in it ('' for a collection)."""
        if not path.startswith(PREFIX):
            return None
        name, _, rest = path[len(PREFIX) :].partition("/")
        if not rest:
            path_endpoints = self._collections.get(name)
            return (path_endpoints, "") if path_endpoints else None
        path_endpoints = self._records.get(name)
        identifier = rest.removesuffix("/")
        return (path_endpoints, identifier) if path_endpoints and identifier and "/" not in identifier else None

    def translate(self, request: Request) -> TranslatedCall:
        """Translate a call that is not to be run: what GraphQL's types refuse is looked for here. Raises HttpError, naming it all."""
        found = self.find(request.path)
        if found is None:
            raise nothing_here()
        path_endpoints, identifier = found
        request.method = path_endpoints.method(request.method, request.headers)
        endpoint = path_endpoints.actions.get(request.method)
        if endpoint is None:
            raise no_method(request.method, path_endpoints.allow)
        call = self.call(endpoint, identifier, request)
        faults = self.faults(call)
        if faults:
            raise invalid(faults)
        return call

    def call(self, endpoint: Endpoint, identifier: str, request: Request) -> TranslatedCall:
        """The call of a known action, to be run: its types are the graph's to check. Raises HttpError."""
        prefer = request.headers.get(b"prefer")
        wanted = NONE if prefer is None else read_preferences(prefer.decode("latin-1"))
        if request.method == QUERY:
            request.query = self._joined_query(request)
        parse = endpoint.parse if len(request.query) <= LONGEST_KEPT else endpoint.parse_long
        parsed = parse(request.query, wanted.strict)
        if endpoint.action == "list":
            return TranslatedCall(parsed, parsed.query.variables)
        # It can't be an id: the database might not even be able to hold the text.
        if not identifier.isprintable():
            raise no_such(endpoint.resource)
        variables = {"id": identifier} if identifier else {}
        if endpoint.action == "get":
            return TranslatedCall(parsed, variables)
        return self._write_call(parsed, variables, request, wanted)

    def _write_call(self, parsed: ParsedQuery, variables: JsonObject, request: Request, wanted: Preferences) -> TranslatedCall:
        endpoint = parsed.endpoint
        versions = self._versions(endpoint, request)
        if versions:
            variables["expectedVersion"] = versions[0]
        if b"idempotency-key" in request.headers:
            variables["idempotencyKey"] = self._key(endpoint, request.headers[b"idempotency-key"])
        body = endpoint.body.read(self._decoded(request), wanted) if endpoint.body else None
        if body is not None:
            variables["input"] = body.input
            if body.whole and WHOLE in endpoint.document.variables:
                variables[WHOLE] = True
        call = TranslatedCall(parsed, variables, body, versions[1:])
        if body is not None and body.faults:
            raise invalid(self.faults(call))
        return call

    def _joined_query(self, request: Request) -> bytes:
        """The query string of a QUERY: that of its address, and what its body says."""
        return b"&".join(filter(None, (request.query, query_string(self._decoded(request)))))

    def _versions(self, endpoint: Endpoint, request: Request) -> list[int]:
        """The versions that the record may have, the newest first; none where any will do."""
        if endpoint.action not in {"update", "delete"}:
            return []
        if_match = request.headers.get(b"if-match")
        if if_match is not None and "expectedVersion" not in endpoint.document.variables:
            raise malformed([ErrorItem("If-Match", "bad_request", f"Not supported for {endpoint.resource.name}.")])
        if if_match is None and self.graph.require_if_match:
            raise HttpError(
                "Send If-Match with the ETag of the record as you have seen it: it is in every answer about the record.",
                code="PRECONDITION_REQUIRED",
            )
        return expected_versions(if_match.decode("latin-1"), request.epoch) if if_match is not None else []

    @staticmethod
    def _key(endpoint: Endpoint, header: bytes) -> str:
        if "idempotencyKey" not in endpoint.document.variables:
            raise malformed([ErrorItem("Idempotency-Key", "bad_request", f"Not supported for {endpoint.resource.name}.")])
        return idempotency_key(header.decode("latin-1"))

    def _decoded(self, request: Request) -> Json:
        content_type = request.headers.get(b"content-type", b"")
        if content_type != b"application/json":
            check_content_type(content_type.decode("latin-1"))
        try:
            return self.graph.decode(request.body)
        except BodyDecodeError as error:
            items = [body_item(fault.path, fault.message) for fault in error.faults if fault.path]
            raise (invalid(items) if items else HttpError(error.message, code=error.code)) from None

    def faults(self, call: TranslatedCall) -> list[ErrorItem]:
        """All that REST and GraphQL's types refuse in a call's body."""
        if call.body is None or call.endpoint.body is None:
            return []
        return call.endpoint.body.items(call.body, self.graph.check(call.operation.prepared, call.variables))


def _check_inputs(resource: Resource, bodies: Sequence[BodyReader | None]) -> None:
    """Raises DeclarationError for a key whose `input` is in no body: it would be read-only without a word."""
    read = [body for body in bodies if body is not None]
    for key in resource.keys if read else ():
        if key.input and all(key.name not in body.writable for body in read):
            raise DeclarationError(f"{resource.name}: {key.name} says input={key.input!r}, which no input of its documents has")


def _check_operation_names(endpoints: Iterable[Endpoint]) -> None:
    """An operation's name says which call it was, and is the `operationId` in OpenAPI. Raise DeclarationError where two are alike."""
    routes: dict[str, str] = {}
    for endpoint in endpoints:
        name = endpoint.document.name
        if name in routes:
            raise DeclarationError(f"{routes[name]} and {endpoint.route} have the same operation name, {name}")
        routes[name] = endpoint.route


def nothing_here() -> HttpError:
    """404: the path is none of a resource."""
    return NotFound("There is nothing at this address.")


def no_such(resource: Resource) -> HttpError:
    """404, the same bytes whether it never was or is another workspace's."""
    return NotFound(f"There is no such {resource.singular}.")


def request_of(method: str, target: str, headers: Mapping[bytes, bytes] | None = None, body: bytes = b"") -> Request:
    """A request from a method and a target as a client writes them: `/api/opportunities/?stage=proposal`, also with scheme and host."""
    _, target = split_target(target)
    path, _, query = target.partition("#")[0].partition("?")
    decoded = unquote_to_bytes(path).decode("utf-8", "replace")
    return Request(method.upper(), decoded, query.encode("utf-8", "surrogatepass"), headers or {}, body)


def split_target(target: str) -> tuple[str, str]:
    """The host of an absolute target, in lower case, and what comes after it; a target that begins with its path has no host."""
    scheme, found, rest = target.partition("://")
    if not found or not scheme.isalpha():
        return "", target
    host, slash, path = rest.partition("/")
    authority, mark, query = host.partition("?")
    return authority.rpartition("@")[2].lower(), f"/{mark}{query}" if mark else slash + path if slash else "/"
