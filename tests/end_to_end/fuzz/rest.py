"""Requests of REST, good but for some of their parts: what there may be is read from the OpenAPI document."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from tests.contracts.generated import OPENAPI
from tests.end_to_end.fuzz.invalid_values import RAW, Odd, Pairs, Raw, written

_METHODS = ("get", "post", "patch", "delete")
_ADDRESSES = ("a@b.example", "a@", "@", "a@b@c", "a b@c.example", "é@é.example", "x" * 300 + "@b.example")
_UNASKED = ("put", "head", "options", "trace", "purge", "GET ", "get")
#: Headers of a request, each with values that some parser takes.
_HEADERS = {
    "accept": (
        "*/*",
        "",
        "x",
        "application/problem+json;q=0",
        "application/json;q=1e1",
        "*/*;q=NaN",
        "a/b," * 300,
        "text/html",
        ";",
        "a/b;q=1_0",
    ),
    "prefer": ("handling=strict", "handling=lenient", "handling", 'handling="strict', "return=minimal, wait=1e9", "=", "respond-async"),
    "if-match": ('"1"', "*", "1", 'W/"1"', '"1", "2"', '"', '"' + "9" * 5_000 + '"', '"1_0"', '"٣"'.encode().decode("latin-1"), '"-1"', ""),
    "if-none-match": ("*", '"x"', 'W/"x"', '"' * 9, ",", "x" * 5_000),
    "idempotency-key": ("k", "", " ", "x" * 256, "x" * 10_000, '"k"', "é", "\xff", "a, b"),
    "authorization": (
        "",
        "Bearer",
        "Bearer ",
        "bearer x",
        "Basic eDp4",
        "Bearer \xff",
        "Bearer a b",
        "Bearer " + "x" * 9_000,
        "Bearer a.b.c",
    ),
    "content-type": (
        "application/json",
        "application/json; charset=latin-1",
        "application/json; charset=x",
        "text/plain",
        "",
        ";",
        "a" * 999,
    ),
    "content-encoding": ("identity", "gzip", "br", "x, y"),
    "x-request-id": ("r", "", "x" * 999, "\xff", "a b"),
    "x-http-method-override": ("DELETE",),
    "origin": ("null", "http://x", "\xff"),
    "accept-language": ("xx" * 500,),
    "range": ("bytes=0-1",),
    "expect": ("100-continue",),
    "cookie": ("a=b; " * 200,),
    "traceparent": ("00-x",),
}


class Rest:
    """Draws requests as method, target, headers and body."""

    def __init__(self, odd: Odd, token: str) -> None:
        self.odd = odd
        self.token = token
        self.known: dict[str, Any] = json.loads(OPENAPI.read_bytes())
        self.operations = [
            (method, path, operation)
            for path, item in self.known["paths"].items()
            for method, operation in item.items()
            if method in _METHODS
        ]

    def request(self) -> tuple[str, str, list[tuple[str, str]], bytes]:
        method, path, operation = self.odd.random.choice(self.operations)
        body = self._body(operation)
        if self.odd.chance(0.03):
            method = self.odd.random.choice(_UNASKED)
        return method.upper(), self._target(path, operation), list(self._headers()), body

    def _target(self, path: str, operation: dict[str, Any]) -> str:
        place = quote(self.odd.id(), safe="") if self.odd.chance(0.5) else self.odd.random.choice(self.odd.ids[_prefix(path)])
        path = path.replace("{id}", place)
        if self.odd.chance(0.03):
            path = self.odd.random.choice(
                (path.rstrip("/"), path + "/", path.replace("/", "//"), path + "%00", path + "%ff", path + "/../", "*")
            )
        pairs = [self._pair(each) for each in operation.get("parameters", ()) if each.get("in") == "query" and self.odd.chance(0.3)]
        if self.odd.chance(0.1):
            pairs += [(self.odd.text(), self.odd.text()), *pairs[:1]]
        if self.odd.chance(0.02):
            pairs *= 100
        query = self.odd.random.choice("&&&&;").join(f"{self._escaped(name)}={self._escaped(value)}" for name, value in pairs)
        return f"{path}?{query}" if query else path

    def _escaped(self, text: str) -> str:
        """For a query: now and then by bytes that are no UTF-8, or that aren't escaped at all."""
        if self.odd.chance(0.02):
            return self.odd.random.choice(("%ff", "%", "%zz", "%C0%80", "%ED%A0%80", "+", "%00", "[]", "a[b]", "%F0%9F"))
        return quote(text, safe="")

    def _pair(self, parameter: dict[str, Any]) -> tuple[str, str]:
        name = parameter["name"]
        return name, self._text(name, parameter["schema"])

    def _text(self, name: str, schema: dict[str, Any]) -> str:
        """A parameter's value, by its name and what is said of it."""
        if self.odd.chance(0.2):
            return self.odd.text()
        if name in {"method", "path"}:
            return self.odd.random.choice(
                ("GET", "POST", "/api/opportunities/?limit=1_0", "/api/accounts/", "//", "x", "/graphql", "?", "http://[")
            )
        if name.startswith("closeDate"):
            return self.odd.random.choice((self.odd.day, self.odd.instant))()
        if name.endswith("Id") or name == "assignedTo":
            return self.odd.id()
        if schema.get("type") in {"integer", "number"} or name.startswith("value"):
            return self.odd.number()
        words = [
            *schema.get("enum", ()),
            *schema.get("items", {}).get("enum", ()),
            "name",
            "-value",
            "id",
            "accountName",
            "closed_won",
            "CLOSED_WON",
        ]
        return ",".join(self.odd.random.choices([*words, "", "-", "--name"], k=self.odd.random.choice((1, 1, 2, 40))))

    def _headers(self) -> Iterator[tuple[str, str]]:
        yield "host", self.odd.random.choice(("x", "x", "x", "x:1", "[::1]", "x y", "a" * 300)) if self.odd.chance(0.05) else "x"
        chosen = self.odd.random.sample(sorted(_HEADERS), self.odd.random.choice((0, 0, 1, 2)))
        if "authorization" not in chosen or self.odd.chance(0.05):
            yield "authorization", f"Bearer {self.token}"
        if "content-type" not in chosen:
            yield "content-type", "application/json"
        for name in chosen:
            yield name, self.odd.random.choice(_HEADERS[name])

    def _body(self, operation: dict[str, Any]) -> bytes:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return b"{}" if self.odd.chance(0.02) else b""
        if self.odd.chance(0.05):
            return self.odd.random.choice(RAW).encode("utf-8", "surrogatepass")
        text = written(self._object(self._resolved(content["schema"])))
        return text.encode("utf-16" if self.odd.chance(0.01) else "utf-8", "surrogatepass")

    def _object(self, schema: dict[str, Any]) -> Any:
        """Most of its members good, one or the other odd."""
        properties, required = schema.get("properties", {}), schema.get("required", ())
        members = [
            (name, self._member(name, self._resolved(each)))
            for name, each in properties.items()
            if name in required or self.odd.chance(0.3)
        ]
        if self.odd.chance(0.1):
            members += [(self.odd.text(), self.odd.anything()), *members[:1]]
        return Pairs(members)

    def _member(self, name: str, schema: dict[str, Any]) -> Any:
        if self.odd.chance(0.15):
            return self.odd.anything()
        owner = "usr" if name == "assignedTo" else "acc"
        made: dict[str, Callable[[], Any]] = {
            "closeDate": self.odd.day,
            "closedDate": self.odd.day,
            "contactIds": lambda: [self.odd.id() for _ in range(self.odd.random.choice((0, 1, 2, 300)))],
            "accountId": lambda: self.odd.random.choice((self.odd.id(), self.odd.random.choice(self.odd.ids[owner]))),
            "value": lambda: self.odd.random.choice((50, 12.5, Raw(self.odd.number()), self.odd.number())),
            "email": lambda: self.odd.random.choice(_ADDRESSES),
            "updatedAt": self.odd.instant,
        }
        made |= {"assignedTo": made["accountId"], "probability": made["value"], "createdAt": made["updatedAt"]}
        words = (*schema["enum"], "CLOSED_WON", "x") if "enum" in schema else ("Deal", self.odd.text())
        return made.get(name, lambda: self.odd.random.choice(words))()

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What a schema refers to, or the first of those that it is one of."""
        while True:
            if "$ref" in schema:
                schema = self.known["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            elif "anyOf" in schema or "oneOf" in schema:
                schema = (schema.get("anyOf") or schema["oneOf"])[0]
            else:
                return schema


def _prefix(path: str) -> str:
    """Of the ids of the records that a path has."""
    return "acc" if "accounts" in path else "con" if "contacts" in path else "opp"
