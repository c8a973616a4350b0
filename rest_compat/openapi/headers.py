"""The headers of OpenAPI: which a call may carry, which an answer carries, each with its schema and an example."""

from rest_compat.errors import ALWAYS, STATUS
from rest_compat.json_values import Json, JsonObject
from rest_compat.resources.declaration import RouteAction
from rest_compat.translate.endpoint import Endpoint

DescribedHeader = tuple[str, JsonObject, Json]

_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_TAG = '"3-6f1d0a52c9e84b77"'

_ASKED: dict[str, DescribedHeader] = {
    "Prefer": (
        "With `handling=strict`, what is unknown is an error; with `null=ignore`, nulls in a body count as left out (RFC 7240).",
        _TEXT,
        "handling=strict",
    ),
    "If-None-Match": ("An `ETag` that was seen before: the answer is 304 if nothing has changed since.", _TEXT, _TAG),
    "If-Match": ("The `ETag` that was seen last: the answer is 412 if the record has changed since.", _TEXT, _TAG),
    "Idempotency-Key": (
        "Makes a retry safe: for 24 hours, the same call with the same key has one effect.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
        "5c3f3a52-1d0e-4a8c-9e55-0f6f6a4c2a11",
    ),
}
_TOLD: dict[str, DescribedHeader] = {
    "X-Request-Id": ("The id of the request in the log; the client's own, if it sent one.", _TEXT, "6f1d0a52c9e8-1a"),
    "X-GraphQL-Operation": ("The GraphQL operation that this answer is the translation of.", _TEXT, "ListOpportunities"),
    "X-GraphQL-Cost": ("What that operation cost; `maximum` in the answers of GraphQL says how much it may cost.", _COUNT, 21),
    "X-Ignored-Parameters": (
        "The query parameters that were ignored, since they are unknown or empty; percent-encoded.",
        _TEXT,
        "colour, size",
    ),
    "X-Ignored-Fields": ("The unknown keys of the body, which were ignored; percent-encoded.", _TEXT, "colour"),
    "Preference-Applied": ("The preference that was applied, where one was asked for (RFC 7240).", _TEXT, "handling=strict"),
    "Deprecation": ("Since when something that the call uses is deprecated (RFC 9745).", _TEXT, "@1740787200"),
    "Sunset": ("When what is deprecated will stop working (RFC 8594).", _TEXT, "Sun, 01 Mar 2026 00:00:00 GMT"),
    "Link": ("Where to read about the deprecation.", _TEXT, '<https://crm.example.com/leaving>; rel="deprecation"; type="text/html"'),
    "X-RateLimit-Limit": ("The token's budget, where there is one.", _COUNT, 300),
    "X-RateLimit-Remaining": ("What is left of the token's budget.", _COUNT, 299),
    "X-RateLimit-Reset": ("The time at which something of the budget is given back, in seconds since 1970.", _COUNT, 1740787200),
    "RateLimit-Policy": ("The token's budget and the seconds that it is for, where there is one.", _TEXT, '"token";q=300;w=60'),
    "RateLimit": (
        "What is left of the token's budget, and in how many seconds something is given back.",
        _TEXT,
        '"token";r=299;t=60',
    ),
    "Accept-Query": ("What the body of a QUERY may be (RFC 10008): the parameters as a JSON object.", _TEXT, "application/json"),
    "ETag": ("The version of what is in the body.", _TEXT, _TAG),
    "Cache-Control": ("Who may keep the answer.", _TEXT, "private"),
    "Vary": ("The request headers that the answer depends on.", _TEXT, "Authorization, Accept"),
    "Location": (
        "The address of the new record.",
        {"type": "string", "format": "uri"},
        "https://crm.example.com/api/opportunities/opp_01JZ8Q5W9T6D3M2K7R4X1B0CVA/",
    ),
    "Idempotency-Replayed": ("Is `true` where the answer to an earlier call is given again.", {"type": "string", "enum": ["true"]}, "true"),
    "WWW-Authenticate": (
        "How a request says who is asking; after a token that is not good, or lacks scopes, what is wrong (RFC 6750).",
        _TEXT,
        "Bearer",
    ),
    "Allow": ("The methods that the resource has.", _TEXT, "GET, HEAD, POST, OPTIONS"),
    "Accept": ("The media types that a body may have.", _TEXT, "application/json"),
    "Retry-After": ("How many seconds to wait before the next try.", _COUNT, 1),
}
_RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")
_EVERY = ("X-Request-Id", "Vary", *_RATES)
_ROUTES = (*_EVERY, "X-GraphQL-Operation", "X-GraphQL-Cost", "X-Ignored-Parameters", "Preference-Applied", "Deprecation", "Sunset", "Link")
_CACHED = ("ETag", "Cache-Control", "Vary")
_OF: dict[RouteAction, tuple[str, ...]] = {
    "list": (*_CACHED, "Accept-Query"),
    "create": ("ETag", "Location", "Idempotency-Replayed", "X-Ignored-Fields"),
    "get": _CACHED,
    "update": ("ETag", "Idempotency-Replayed", "X-Ignored-Fields"),
    "delete": ("Idempotency-Replayed",),
}
_OF_CODE = {
    "FORBIDDEN": ("WWW-Authenticate",),
    "METHOD_NOT_ALLOWED": ("Allow",),
    "UNSUPPORTED_MEDIA_TYPE": ("Accept",),
    "RATE_LIMITED": ("Retry-After",),
}


def header_components() -> JsonObject:
    """`components.headers`."""
    return {name: {"description": text, "schema": schema, "example": example} for name, (text, schema, example) in _TOLD.items()}


def parameter_components() -> JsonObject:
    """`components.parameters`: the request headers."""
    return {
        name: {"name": name, "in": "header", "required": False, "description": text, "schema": schema, "example": example}
        for name, (text, schema, example) in _ASKED.items()
    }


def asked_headers(endpoint: Endpoint) -> list[str]:
    """The request headers that an action reads."""
    wanted = ["Prefer"]
    if endpoint.action in {"list", "get"}:
        wanted.append("If-None-Match")
    if "expectedVersion" in endpoint.document.variables:
        wanted.append("If-Match")
    if "idempotencyKey" in endpoint.document.variables:
        wanted.append("Idempotency-Key")
    return wanted


def success_headers(endpoint: Endpoint) -> JsonObject:
    """Return the headers of a successful action."""
    return _refs(*_OF[endpoint.action], *_ROUTES)


def unchanged_headers() -> JsonObject:
    """Return the headers of a 304."""
    return _refs(*_CACHED, *_ROUTES, "Accept-Query")


def page_headers() -> JsonObject:
    """Return the headers of an answer without an operation."""
    return _refs(*_EVERY)


def error_headers(code: str) -> JsonObject:
    """Return the headers of an error."""
    return _refs(
        *_OF_CODE.get(code, ()),
        *(_named(name) for name, _ in ALWAYS.get(STATUS[code], ())),
        *_ROUTES,
        "X-Ignored-Fields",
        "Cache-Control",
        "Accept-Query",
    )


def _named(name: bytes) -> str:
    """Return the header's name as written in `_TOLD`."""
    return next(known for known in _TOLD if known.lower() == name.decode())


def _refs(*names: str) -> JsonObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
