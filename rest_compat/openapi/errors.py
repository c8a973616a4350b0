"""The error answers of OpenAPI, one for each code, with an example that `error_answer` itself has made."""

import orjson

from rest_compat.errors import JSON, PROBLEM, STATUS, ErrorItem, HttpError, error_answer
from rest_compat.json_values import Json, JsonObject

from .headers import error_headers

_DETAILS: dict[str, tuple[str, tuple[ErrorItem, ...]]] = {
    "BAD_REQUEST": (
        "The request is malformed: see limit.",
        (ErrorItem("limit", "bad_request", "limit is 'many'; allowed is an integer from 1."),),
    ),
    "UNAUTHENTICATED": ("This needs a token: send 'Authorization: Bearer <token>'.", ()),
    "FORBIDDEN": ("A viewer may only read.", ()),
    "NOT_FOUND": ("There is no such opportunity.", ()),
    "METHOD_NOT_ALLOWED": ("DELETE is not allowed here; allowed are GET, HEAD, POST, QUERY, OPTIONS.", ()),
    "NOT_ACCEPTABLE": ("This resource is served as application/json only.", ()),
    "REQUEST_TIMEOUT": ("The request's body didn't come within 15 s.", ()),
    "CONFLICT": ("The account still has 2 opportunities: delete or move them first.", ()),
    "CURSOR_EXPIRED": ("The position is from before the database was restored: read the list again from its first page.", ()),
    "PRECONDITION_FAILED": ("This opportunity is no longer as If-Match says: read it again.", ()),
    "TOO_LARGE": ("The request body is over 262144 bytes.", ()),
    "UNSUPPORTED_MEDIA_TYPE": ("The body must be application/json in UTF-8.", ()),
    "VALIDATION_ERROR": (
        "The body is not valid: see accountId.",
        (ErrorItem("accountId", "not_found", "There is no account with this id."),),
    ),
    "PRECONDITION_REQUIRED": ("Send If-Match with the ETag of the record as you have seen it: it is in every answer about the record.", ()),
    "RATE_LIMITED": ("The token's rate limit, 300 a minute, is used up: wait as many seconds as Retry-After says.", ()),
    "HEADERS_TOO_LARGE": ("The request's headers are over 65536 bytes.", ()),
    "INTERNAL_ERROR": ("Something went wrong in the gateway. Its log has the details under the id of this request.", ()),
    "UNAVAILABLE": ("Too many requests at once. Try again in a moment.", ()),
    "TIMEOUT": ("The operation took longer than 10 s.", ()),
}
_CODES = [code.lower() for code in STATUS]

_ERROR: JsonObject = {
    "detail": {"type": "string", "description": "What is wrong, in one sentence."},
    "code": {"type": "string", "description": f"One of: {', '.join(_CODES)}."},
    "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ApiErrorItem"}},
    "requestId": {"type": "string", "description": "The id of the request in the log, where the fault is the gateway's."},
}
ERROR_SCHEMAS: JsonObject = {
    "ApiErrorItem": {
        "type": "object",
        "required": ["field", "code", "message"],
        "properties": {
            "field": {"type": "string", "description": "The field or parameter at fault, by its REST name: `contactIds.1`."},
            "code": {"type": "string", "description": "The kind of the fault, for programs."},
            "message": {"type": "string", "description": "What to mend, in one sentence."},
        },
    },
    "ApiError": {"type": "object", "required": ["detail", "code"], "properties": _ERROR},
    "Problem": {
        "type": "object",
        "description": "The same as RFC 9457 has it, where `Accept` names `application/problem+json`.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            **_ERROR,
        },
    },
    "DeprecatedUse": {
        "type": "object",
        "required": ["kind", "name", "since", "sunset", "link"],
        "properties": {
            "kind": {
                "type": "string",
                "enum": ["api", "route", "parameter", "field", "whole_object"],
                "description": "What is used: all of REST, a route, a parameter, a key that the call names, or one within a whole object.",
            },
            "name": {"type": "string", "description": "The name of what is deprecated."},
            "since": {"type": "string", "format": "date", "description": "Since when it is deprecated."},
            "sunset": {"type": ["string", "null"], "format": "date", "description": "When it will stop working."},
            "link": {"type": ["string", "null"], "description": "Where to read about it."},
        },
    },
    "Explanation": {
        "type": "object",
        "required": ["operationName", "document", "variables", "ignored", "deprecations", "explorerUrl"],
        "properties": {
            "operationName": {"type": "string"},
            "document": {"type": "string", "description": "The GraphQL document, ready to paste."},
            "variables": {"type": "object"},
            "ignored": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What of the call has no effect: unknown or empty parameters, unknown keys of the body; percent-encoded.",
            },
            "deprecations": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/DeprecatedUse"},
                "description": "What the call uses that is deprecated.",
            },
            "explorerUrl": {"type": "string", "description": "A link that opens the operation in the explorer."},
        },
    },
}


def error_answers() -> JsonObject:
    """`components.responses`: an answer a code."""
    return {code: _answer(code, detail, items) for code, (detail, items) in _DETAILS.items()}


def _answer(code: str, detail: str, items: tuple[ErrorItem, ...]) -> JsonObject:
    error = HttpError(detail, code=code, errors=items)

    def example(media: str) -> Json:
        return orjson.loads(error_answer(error, problem=media == PROBLEM, request_id=b"01JZ8Q5W9T").body)

    content = {
        media: {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example(media)}
        for media, name in ((JSON, "ApiError"), (PROBLEM, "Problem"))
    }
    return {"description": f"`{code.lower()}`: {detail}", "headers": error_headers(code), "content": content}
