"""`/api/_graphql`: what a REST call becomes, shown and not run."""

import orjson
from starlette.types import Receive, Scope, Send

from rest_compat.errors import Item, Refused, malformed, no_method
from rest_compat.headers import check_accept, read_headers
from rest_compat.serve import address, answer, read_body, refusal
from rest_compat.translate.call import Translator, request_of
from rest_compat.translate.parameter_types import Choice, Text
from rest_compat.translate.query import ParameterReader, QueryReader, shown
from rest_compat.translate.query_method import METHOD as QUERY

PATH = "/api/_graphql"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
LONGEST_PATH = 8192
PARAMETERS = (
    ParameterReader("method", Choice({name: name for name in ("GET", "HEAD", "POST", "PATCH", "DELETE", QUERY)}), ("method",)),
    ParameterReader("path", Text(LONGEST_PATH), ("path",)),
)


class Explain:
    """GET with `method` and `path`; POST with the body of the call for writes. Its other headers count as the call's own."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._query = QueryReader(PARAMETERS, paged=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, str] = {}
        scope["state"]["route"] = PATH
        try:
            headers = read_headers(scope["headers"])
            check_accept(headers.get(b"accept", ""))
            response = 200, [(b"content-type", b"application/json")], await self._explain(scope, headers, receive)
        except Refused as refused:
            response = refusal(refused, headers.get(b"accept", ""), scope["state"])
        if scope["method"] == "OPTIONS":
            response = 204, [(b"allow", ", ".join(METHODS).encode())], b""
        await answer(send, response, head=scope["method"] == "HEAD")

    async def _explain(self, scope: Scope, headers: dict[bytes, str], receive: Receive) -> bytes:
        method: str = scope["method"]
        if method not in METHODS:
            raise no_method(method, ", ".join(METHODS))
        if method == "OPTIONS":
            return b""
        query = self._query.read(scope["query_string"], strict=False)
        asked = query.variables
        faults = [Item(one.name, "bad_request", f"{one.name} is missing.") for one in PARAMETERS if one.name not in asked]
        faults += [_unknown(name) for name in query.ignored if name not in self._query.readers]
        if faults:
            raise malformed(faults)
        graph = self._translator.graph
        body = await read_body(headers, receive, graph.max_body) if method == "POST" else b""
        call = self._translator.translate(request_of(asked["method"], asked["path"], headers, body))
        return orjson.dumps(call.to_dict(graph.public_url or address(scope, headers)))


def _unknown(name: str) -> Item:
    """Most likely a part of `path` that its `&` has cut off."""
    told = shown(name)[1:-1]
    return Item(told, "bad_request", f"{told} is not a parameter of this route: within path, write & as %26.")
