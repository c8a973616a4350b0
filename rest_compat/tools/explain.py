"""`/api/_graphql`: what a REST call becomes, shown and not run."""

from dataclasses import replace

import orjson

from rest_compat.errors import JSON, ErrorItem, HttpResponse, malformed, no_method, not_acceptable
from rest_compat.protocol import Request
from rest_compat.translate.call import Translator, request_of
from rest_compat.translate.parameter_types import choice, text_of
from rest_compat.translate.query import ParameterReader, QueryReader, shown
from rest_compat.translate.query_method import METHOD as QUERY

PATH = "/api/_graphql"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
LONGEST_PATH = 8192
PARAMETERS = (
    ParameterReader("method", choice({name: name for name in ("GET", "HEAD", "POST", "PATCH", "DELETE", QUERY)}), ("method",)),
    ParameterReader("path", text_of(LONGEST_PATH), ("path",)),
)


class Explain:
    """GET with `method` and `path`; POST with the body of the call for writes. Its other headers count as the call's own."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._query = QueryReader(PARAMETERS, paged=False)

    def answer(self, request: Request) -> HttpResponse:
        """Raises HttpError for a call that can't be translated."""
        request.state["route"] = PATH
        if request.method == "OPTIONS":
            return HttpResponse(204, [(b"allow", ", ".join(METHODS).encode())], b"")
        if not request.accepts_json:
            raise not_acceptable()
        if request.method not in METHODS:
            raise no_method(request.method, ", ".join(METHODS))
        call = self._translator.translate(self._call(request))
        return HttpResponse(200, [(b"content-type", JSON.encode())], orjson.dumps(call.to_dict(request.origin)))

    def _call(self, request: Request) -> Request:
        """The call that is asked about."""
        query = self._query.read(request.query, strict=False)
        asked = query.variables
        faults = [ErrorItem(one.name, "bad_request", f"{one.name} is missing.") for one in PARAMETERS if one.name not in asked]
        faults += [_unknown(name) for name in query.ignored if name not in self._query.readers]
        if faults:
            raise malformed(faults)
        body = request.body if request.method == "POST" else b""
        return replace(request_of(asked["method"], asked["path"], request.headers, body), epoch=request.epoch)


def _unknown(name: str) -> ErrorItem:
    """Most likely a part of `path` that its `&` has cut off."""
    label = shown(name)[1:-1]
    return ErrorItem(label, "bad_request", f"{label} is not a parameter of this route: within path, write & as %26.")
