"""The Protocol between `rest_compat` and the graph, implemented by `gateway`: this room does not know how operations run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from graphql import GraphQLSchema

from rest_compat.json_values import Json, JsonObject
from rest_compat.resources.declaration import Deprecation

Policy: TypeAlias = Literal["near-miss", "ignore", "refuse"]
"""The policy for parameters that a route does not have: `near-miss` refuses those that are almost the name of one that it has,
`refuse` all of them, `ignore` none."""

PreparedDocument: TypeAlias = Any
"""An operation made ready by `GraphBackend.prepare`: opaque here, only handed back to it."""

OpaqueCaller: TypeAlias = Any
"""The caller: opaque here, except for its text `visibility`; callers of equal visibility get equal answers."""


@dataclass(slots=True)
class Request:
    """A REST call as the edge has read it: `path` is decoded and below the root, `query` is raw, `headers` are by lower-case name."""

    method: str
    path: str
    query: bytes = b""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    caller: OpaqueCaller | None = None
    """The caller; None if the request is only translated, or asks for OPTIONS."""
    origin: str = ""
    """The address that links begin with: `https://crm.example.com`, without a slash at the end."""
    epoch: int = 0
    """The epoch of the database: a restored one has another."""
    accepts_json: bool = True
    state: JsonObject = field(default_factory=dict)
    """Receives what the log and the metrics need: `route`, `operation`, `ignored`, `cost`."""


@dataclass(frozen=True, slots=True)
class VariableFault:
    """One thing that GraphQL's types refuse in an operation's variables.

    `path` leads from the variables to the value at fault: `("input", "contactIds", 1)`. A missing required input field has the path that
    it would have stood at. `message` is for a person and says what is wrong with the value, without the path.
    """

    path: tuple[str | int, ...]
    message: str


class BodyDecodeError(Exception):
    """Bytes that are not the JSON we take. `code` is BAD_REQUEST (not strict JSON) or VALIDATION_ERROR (NUL, lone surrogates).

    `faults` are the places of such characters in the value.
    """

    def __init__(
        self, message: str, code: Literal["BAD_REQUEST", "VALIDATION_ERROR"] = "BAD_REQUEST", faults: Sequence[VariableFault] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.faults = faults


class RestUse(NamedTuple):
    """A use of a part of REST by a call, for the counts of usage.

    `route` is "GET /api/opportunities/{id}/"; `name` is empty for the route itself, else a query parameter's, or that of a key named in
    `fields` or written in a body, or a deprecated one in an object that was read whole. Of kind `ignored` it is the percent-encoded name of
    a parameter, or a key of a body, that had no effect; of kind `refused` the error's code.
    """

    route: str
    kind: Literal["route", "parameter", "field", "whole_object", "ignored", "refused"]
    name: str = ""


class OperationResult(Protocol):
    """The result of an operation."""

    @property
    def data(self) -> JsonObject | None:
        """The response's `data`, by response key; enum values by their GraphQL name."""

    @property
    def errors(self) -> list[JsonObject] | None:
        """GraphQL errors, each with `message` and `extensions.code`."""

    @property
    def extensions(self) -> JsonObject:
        """`cost` holds what the operation costs (`requested`); `idempotencyReplayed` is True where an earlier answer was given again."""

    @property
    def executed(self) -> bool:
        """False if it was refused before it ran (variables, limits); `Graph.check` then returns the errors of types."""

    @property
    def revision(self) -> int | None:
        """The workspace's revision in the snapshot that the operation read, where that was asked for."""


class GraphBackend(Protocol):
    """The graph, and the few settings that REST shares with the process."""

    @property
    def schema(self) -> GraphQLSchema:
        """Built from the SDL, so that its AST nodes are there: descriptions, `@constraint`, `@deprecated` are read from it."""

    @property
    def version(self) -> str:
        """The version of the program, for OpenAPI."""

    @property
    def deprecation(self) -> Deprecation | None:
        """The deprecation of REST as a whole, if it is to end."""

    @property
    def public_url(self) -> str | None:
        """`https://crm.example.com`, without a slash at the end; None: links are built from the request."""

    @property
    def require_if_match(self) -> bool:
        """Whether PATCH and DELETE without `If-Match` are refused with 428."""

    @property
    def unknown_parameters(self) -> Policy:
        """The policy for query parameters that a route does not have."""

    def prepare(self, document: str, *, later: bool = False) -> PreparedDocument:
        """Parse and validate a document of one operation. Called at start, and once for each new set of `fields` (kept, bounded).

        `later`: it is known to be valid, so that the work waits for its first use, where it takes turns with other heavy work.
        """

    def is_stored(self, type_name: str, field: str) -> bool:
        """Whether a field's value changes with the workspace's data alone: what is computed may change with the day, or with anything."""

    async def execute(
        self,
        prepared: PreparedDocument,
        variables: JsonObject,
        caller: OpaqueCaller,
        *,
        at_revision: bool = False,
        uses: tuple[RestUse, ...] = (),
    ) -> OperationResult:
        """Run it as `caller`, and count the `uses` of REST that it stands for; the answer says `at_revision` which one it saw.

        The variables are shared: they must not be changed.
        """

    def check(self, prepared: PreparedDocument, variables: JsonObject) -> Sequence[VariableFault]:
        """Every coercion fault of the variables, all at once; asked for only when a call has been refused, to word the refusal."""

    def check_scalar(self, scalar: str, value: Json) -> None:
        """Raise ValueError where the scalar of this name takes no such value: its one parser decides, also for REST's parameters."""

    def decode(self, body: bytes) -> Json:
        """The strict JSON decoder. Raises BodyDecodeError."""

    def permits(self, prepared: PreparedDocument, variables: JsonObject, caller: OpaqueCaller) -> bool:
        """Whether the scopes of the caller's token allow to run it, so that it may be answered without being run."""

    async def revision(self, caller: OpaqueCaller) -> int:
        """The number of committed changes in the caller's workspace, read now."""

    def record_usage(self, caller: OpaqueCaller, uses: tuple[RestUse, ...]) -> None:
        """Count them for the caller's token. Must not wait, and must not raise."""
