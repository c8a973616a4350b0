"""GraphQL's error bodies (specification, section 7.1.6): the errors of `rest_compat/errors.py` as a client of GraphQL reads them."""

import orjson

from rest_compat.errors import HttpError, InternalError, Unavailable
from rest_compat.json_values import Json, JsonObject
from schema.storage.database import DatabaseUnavailable


def graphql_error(code: str, message: str, **more: Json) -> JsonObject:
    """An entry of a GraphQL answer's `errors`."""
    return {"message": message, "extensions": {"code": code, **more}}


def graphql_body(error: HttpError, request_id: bytes) -> bytes:
    """The error as a GraphQL answer without data."""
    more = {"requestId": request_id.decode()} if error.code == InternalError.code else {}
    return orjson.dumps({"errors": [graphql_error(error.code, error.detail, **more)]})


def unavailable(away: DatabaseUnavailable) -> Unavailable:
    """Return the 503 error for an unavailable database."""
    return Unavailable(away.public)
