"""The error answers of OpenAPI, one for each code, with an example that `error_response` itself has made."""

from typing import Any

import orjson

from .errors import ALWAYS, STATUS, Item, error_response

_DETAILS: dict[str, tuple[str, tuple[Item, ...]]] = {
    "BAD_REQUEST": (
        "Malformed: limit.",
        (Item("limit", "bad_request", "limit is 'many'; allowed is an integer from 1."),),
    ),
    "UNAUTHENTICATED": ("The token is unknown, expired or revoked.", ()),
    "FORBIDDEN": ("Your role only reads.", ()),
    "NOT_FOUND": ("There is no such opportunity.", ()),
    "METHOD_NOT_ALLOWED": ("This method is not for this resource.", ()),
    "NOT_ACCEPTABLE": ("This resource is served as application/json only.", ()),
    "CONFLICT": ("The account still has opportunities.", ()),
    "PRECONDITION_FAILED": ("This opportunity is not as If-Match says: read it again.", ()),
    "TOO_LARGE": ("The body is over 262144 bytes.", ()),
    "UNSUPPORTED_MEDIA_TYPE": ("The body must be application/json in UTF-8.", ()),
    "VALIDATION_ERROR": (
        "The body is not valid: see accountId.",
        (Item("accountId", "not_found", "There is no such account."),),
    ),
    "PRECONDITION_REQUIRED": ("Say with If-Match which version of it you have seen; its ETag is in every answer.", ()),
    "RATE_LIMITED": ("The budget of this token is used up.", ()),
    "INTERNAL_ERROR": ("Something went wrong here. The log has it under the request's id.", ()),
    "UNAVAILABLE": ("Too much to do at the moment.", ()),
}
_HEADERS = {
    "UNAUTHENTICATED": ("WWW-Authenticate",),
    "RATE_LIMITED": ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    "UNAVAILABLE": ("Retry-After",),
    "METHOD_NOT_ALLOWED": ("Allow",),
}
_CODES = [code.lower() for code in STATUS]

ERROR_SCHEMAS: dict[str, Any] = {
    "ErrorItem": {
        "type": "object",
        "required": ["field", "code", "message"],
        "properties": {
            "field": {"type": "string", "description": "The field or parameter at fault, by its REST name: `contactIds.1`."},
            "code": {"type": "string"},
            "message": {"type": "string"},
        },
    },
    "Error": {
        "type": "object",
        "required": ["detail", "code"],
        "properties": {
            "detail": {"type": "string", "description": "One sentence."},
            "code": {"type": "string", "description": f"One of: {', '.join(_CODES)}."},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ErrorItem"}},
            "requestId": {"type": "string", "description": "Where the fault is ours: what to ask us about."},
        },
    },
    "Problem": {
        "description": "The same as RFC 9457 has it, where `Accept` names `application/problem+json`.",
        "allOf": [
            {"$ref": "#/components/schemas/Error"},
            {
                "type": "object",
                "required": ["type", "title", "status"],
                "properties": {
                    "type": {"type": "string", "format": "uri-reference"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                },
            },
        ],
    },
    "Explanation": {
        "type": "object",
        "required": ["operationName", "document", "variables", "explorerUrl"],
        "properties": {
            "operationName": {"type": "string"},
            "document": {"type": "string", "description": "The GraphQL document, ready to paste."},
            "variables": {"type": "object"},
            "explorerUrl": {"type": "string", "description": "Opens it in the explorer."},
        },
    },
}


def error_answers() -> dict[str, Any]:
    """`components.responses`: an answer a code."""
    return {code: _answer(code, detail, items) for code, (detail, items) in _DETAILS.items()}


def _answer(code: str, detail: str, items: tuple[Item, ...]) -> dict[str, Any]:
    request_id = "01JZ8Q5W9T" if code == "INTERNAL_ERROR" else None

    def example(accept: str) -> Any:
        return orjson.loads(error_response(STATUS[code], code, detail, errors=items, accept=accept, request_id=request_id)[2])

    content = {
        media: {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example(media)}
        for media, name in (("application/json", "Error"), ("application/problem+json", "Problem"))
    }
    names = (*_HEADERS.get(code, ()), *(name for name in ALWAYS.get(STATUS[code], {}) if name not in _HEADERS.get(code, ())))
    headers = {name: {"schema": {"type": "string"}} for name in names}
    return {"description": f"`{code.lower()}`: {detail}", "content": content} | ({"headers": headers} if headers else {})
