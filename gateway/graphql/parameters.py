"""The parameters of a GraphQL request, from a JSON body or a query string (GraphQL over HTTP, "Request parameters")."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from gateway.edge.decoder import StrictJsonError, decode
from rest_compat.errors import MalformedRequest
from rest_compat.json_values import Json, JsonObject

KINDS: Final = {"query": str, "operationName": str, "documentId": str, "variables": dict, "extensions": dict}
"""The members of a request, and the type of each."""


@dataclass(slots=True)
class Parameters:
    """One operation to run. Without `query` it is named by `document_id` or by the hash in `extensions`."""

    query: str | None
    operation_name: str | None = None
    variables: JsonObject | None = None
    extensions: JsonObject | None = None
    document_id: str | None = None


def from_body(body: bytes) -> Parameters:
    """The parameters in a JSON body. Raises MalformedRequest."""
    try:
        value = decode(body)
    except StrictJsonError as error:
        raise MalformedRequest(error.message) from None
    return from_members(value)


def from_members(members: Json) -> Parameters:
    """The parameters in a decoded JSON value; members that we don't know are ignored. Raises MalformedRequest."""
    if type(members) is not dict:
        if type(members) is list:
            raise MalformedRequest("Batches are not supported: send one operation in each request.")
        raise MalformedRequest("A request must be a JSON object with a member 'query'.")
    get = members.get
    query, operation_name, document_id = get("query"), get("operationName"), get("documentId")
    variables, extensions = get("variables"), get("extensions")
    if not (
        (query is None or type(query) is str)
        and (operation_name is None or type(operation_name) is str)
        and (document_id is None or type(document_id) is str)
        and (variables is None or type(variables) is dict)
        and (extensions is None or type(extensions) is dict)
    ):
        raise _of_wrong_kind(members)
    # Many clients send an empty name for none.
    return Parameters(query, operation_name or None, variables, extensions, document_id)


def _of_wrong_kind(members: JsonObject) -> MalformedRequest:
    for name, kind in KINDS.items():
        value = members.get(name)
        if value is not None and type(value) is not kind:
            return MalformedRequest(f"'{name}' must be a {'string' if kind is str else 'JSON object'}.")
    raise AssertionError(members)


def from_query_string(query_string: bytes) -> Parameters:
    """The parameters in a URL; `variables` and `extensions` are JSON texts there. Raises MalformedRequest."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise MalformedRequest("The query string is not percent-encoded UTF-8.") from None
    members: JsonObject = {}
    for name, text in pairs:
        if name not in KINDS:
            continue
        if name in members:
            raise MalformedRequest(f"The parameter '{name}' is given twice.")
        members[name] = _object(name, text) if name in {"variables", "extensions"} else text
    return from_members(members)


def _object(name: str, text: str) -> Json:
    if not text:
        return None
    try:
        return decode(text.encode())
    except StrictJsonError as error:
        raise MalformedRequest(f"'{name}': {error.message}") from None
