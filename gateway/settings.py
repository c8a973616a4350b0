"""Every setting of the process, read from `GATEWAY_…` environment variables; the command line's flags override them.

docs/settings.md is made from `Settings.model_fields`, so each field says what it means and in which unit.
"""

from collections.abc import Collection, Iterator
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway import environment
from gateway.environment import database_address, over_environment, sentence, unknown, with_secrets
from gateway.setting_values import (
    Address,
    Base,
    Count,
    Days,
    FewSeconds,
    HostNames,
    Names,
    Networks,
    OriginNames,
    Pool,
    Positive,
    Rate,
    Seconds,
    SecondsOrNone,
    SecretText,
    Text,
    WholeSeconds,
    Workers,
)
from schema.values import Value

#: Settings that can be given by file too, where the environment would show them.
SECRETS = ("database_url", "jwt_secret", "rate_limit_storage", "metrics_token")


class SettingsError(ValueError):
    """A setting has a value that it can't have: one line a setting, each with the variable's name and what is allowed."""


class Settings(BaseSettings):
    """The settings with their defaults; see `load` for reading them."""

    model_config = SettingsConfigDict(env_prefix=environment.PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    # Where it listens and how it speaks
    host: Text = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    workers: Workers = Field(1, description="Processes that share the port.")
    public_url: Base = Field(None, description="Address that clients use, as in `https://crm.example.com`: links are built from it.")
    allowed_hosts: HostNames = Field(
        ("*",), description="Host names answered to, comma-separated; `*.example.com` is all below it, `*` any."
    )
    trusted_proxies: Networks = Field(
        (), description="Addresses of proxies whose `X-Forwarded-…` (For, Proto, Host, Port, Prefix) are believed, comma-separated."
    )
    hsts: Count = Field(
        0, description="Seconds for which browsers are told to use HTTPS only (`Strict-Transport-Security`); 0 tells nothing."
    )
    cors_origins: OriginNames = Field(
        (), description="Origins of browser pages that may call, comma-separated, for HTTP and WebSocket; `*` is any."
    )
    compression: bool = Field(
        default=True, description="Compress answers for clients that accept it; off where a proxy in front does that better."
    )
    graphiql: bool = Field(default=True, description="Serve the explorer at `/graphql` and the API's pages to browsers.")

    # Data
    database_url: str = Field("sqlite:///gateway.db", repr=False, description="`sqlite:///path` or `postgresql://user:password@host/name`.")
    database_url_file: Path | None = Field(None, description="File that holds the database's address, in place of the variable.")
    migrate: bool = Field(default=False, description="Migrate PostgreSQL on start (SQLite always is).")
    pool_size: Pool = Field(10, description="Database connections a process.")
    pool_timeout: Seconds = Field(2.0, description="Seconds to wait for a database connection before 503.")
    statement_timeout: Seconds = Field(3.0, description="Seconds that one SQL statement may take.")
    event_retention: Days = Field(7, description="Days that events are kept for subscriptions to resume from.")
    extensions: Names = Field(
        (), description="Python modules that add fields with resolvers to the graph, comma-separated; see docs/extending.md."
    )
    plans: bool = Field(default=True, description="Answer queries by compiled plans; off leaves all of them to graphql-core, to compare.")
    count_cache: Count = Field(10_000, description="Exact counts kept under the workspace's revision; 0 counts every time.")
    unknown_parameters: Literal["near-miss", "ignore", "refuse"] = Field(
        "near-miss",
        description="REST query parameters that a route does not have: `near-miss` refuses (400) those that are almost the name of one "
        "that it has (`account_id`), `refuse` all of them, `ignore` none. Ignored ones are named in `X-Ignored-Parameters`.",
    )
    require_if_match: bool = Field(default=False, description="Refuse REST writes to a record without `If-Match` (428).")

    # Leaving REST
    rest_sunset: date | None = Field(None, description="Day on which REST ends, as in `2027-06-30`: every answer of its routes says so.")
    rest_deprecated: date | None = Field(None, description="Day since which REST is deprecated; unless said, the day on which it ends.")
    rest_sunset_link: Address = Field(None, description="Address of a page that says how to leave REST: answers link to it.")
    rest_deprecations: Path | None = Field(
        None, description="JSON file of the routes, parameters and keys of REST that are deprecated: see `docs/leaving-rest.md`."
    )

    # Who may
    jwt_secret: SecretStr | None = Field(None, description="Secret of HS256 tokens of an existing identity provider.")
    jwt_secret_file: Path | None = Field(None, description="File that holds that secret, in place of the variable.")
    jwt_jwks_url: str | None = Field(None, description="Address of the identity provider's keys, for RS256/ES256 tokens.")
    oidc_issuer: str | None = Field(
        None, description="Address of an OpenID Connect provider, exactly as its `iss` says it: keys and algorithms are found there."
    )
    jwt_issuer: str | None = Field(None, description="The `iss` that tokens must carry; those of `GATEWAY_OIDC_ISSUER` carry that.")
    jwt_audience: str | None = Field(None, description="The `aud` that tokens must carry, alone or in a list.")
    jwt_user_claim: Text = Field("sub", description="Claim that names the user: our user id or an e-mail address.")
    jwt_workspace_claim: Text = Field("workspace", description="Claim that names the workspace: its id or name.")
    jwt_leeway: int = Field(
        30, ge=0, le=300, description="Seconds by which the clocks of the identity provider and the gateway may differ."
    )
    jwt_stale_keys: Count = Field(
        86_400, description="Seconds for which the identity provider's keys are used on while it can't be reached."
    )
    jwt_scope_claim: Text = Field(
        "scope",
        description="Claim with the token's scopes, as text with blanks or as a list: those that the gateway knows narrow the token.",
    )
    jwt_scopes: Literal["optional", "required", "ignored"] = Field(
        "optional",
        description="Whether JWTs must have scopes that the gateway knows: `optional` lets the role alone decide where a token has none, "
        "`required` refuses such a token everything that needs a scope, `ignored` doesn't look at the claim.",
    )
    audit_retention: Days = Field(365, description="Days that entries of the audit list are kept.")
    token_cache: FewSeconds = Field(5.0, description="Seconds that a looked-up token is believed without looking again.")

    # Limits of a request
    graphql_body_limit: Positive = Field(1_048_576, description="Bytes of a GraphQL request body.")
    rest_body_limit: Positive = Field(262_144, description="Bytes of a REST request body.")
    header_limit: Positive = Field(65_536, description="Bytes of a request's headers.")
    header_timeout: Seconds = Field(10.0, description="Seconds for a client to send a request's headers.")
    body_timeout: Seconds = Field(15.0, description="Seconds for a client to send a request's body.")
    operation_timeout: Seconds = Field(10.0, description="Seconds that one operation may take.")
    max_connections: Positive = Field(
        1_000, description="Connections at once, a process; never more than half of the descriptors that it may open."
    )
    max_connections_per_address: Positive | None = Field(
        None, description="Connections at once of one address (of IPv6 a /64), trusted proxies excepted; off unless set."
    )
    keep_alive: WholeSeconds = Field(75, description="Seconds that an idle connection is kept.")
    max_document_length: Positive = Field(15_000, description="Characters of a GraphQL document.")
    max_tokens: Positive = Field(1_000, description="Tokens of a GraphQL document.")
    max_depth: Positive = Field(10, description="Levels of fields, fragments expanded.")
    max_introspection_depth: Positive = Field(20, description="Levels of fields under `__schema` and `__type`.")
    max_aliases: Count = Field(30, description="Aliases, fragments expanded.")
    max_fields: Positive = Field(1_000, description="Fields of an operation, fragments expanded.")
    max_directives: Count = Field(50, description="Directives, fragments expanded.")
    max_root_fields: Positive = Field(20, description="Root fields of an operation.")
    max_mutations: Positive = Field(5, description="Root fields of a mutation.")
    max_cost: Positive = Field(5_000, description="Cost of an operation: an object counts 1, times the page's size.")
    max_answer: Positive = Field(10_485_760, description="Bytes of an answer; it is counted while rows are read.")
    max_unsent: Positive = Field(
        33_554_432,
        description="Bytes of answers that may wait for readers, a process; above it slow readers are dropped, or large answers refused.",
    )
    introspection: bool = Field(default=True, description="Tell the schema (`__schema`, `__type`) to whoever may query.")
    max_errors: Positive = Field(
        5,
        description="Errors reported for a refused request. One that is executed tells all errors of its fields, and logs so many defects.",
    )

    # Load
    max_in_flight: Positive = Field(64, description="Requests worked on at once, a process.")
    queue_size: Count = Field(128, description="Requests that may wait for a place; above it 503.")
    queue_timeout: Seconds = Field(1.0, description="Seconds that a request waits for a place before 503.")
    rate_limit: Rate = Field(None, description="Budget of a token, as in `300/minute`, for REST and GraphQL together; off unless set.")
    rate_limit_cost: Positive = Field(
        100, description="Cost of an operation that one unit of the rate limit pays for; every call takes at least one."
    )
    rate_limit_storage: Text = Field(
        "async+memory://", repr=False, description="Where budgets are kept: in each process, or `async+redis://host` for all."
    )
    rate_limit_storage_file: Path | None = Field(None, description="File that holds that address, in place of the variable.")

    # Live
    websocket_init_timeout: Seconds = Field(5.0, description="Seconds for `connection_init` to come (4408).")
    websocket_message_limit: Positive = Field(65_536, description="Bytes of one message from a client.")
    websocket_frames: Positive = Field(
        500, description="Frames a second from one socket, pings and pongs too; above three seconds' worth at once it is closed (1008)."
    )
    websocket_bytes: Positive = Field(
        1_048_576, description="Bytes a second from one socket; above three seconds' worth at once it is closed (1008)."
    )
    websocket_subscriptions: Positive = Field(50, description="Operations open at once on one socket.")
    websocket_queue: Positive = Field(100, description="Messages that may wait for a slow reader.")
    websocket_queue_bytes: Positive = Field(1_048_576, description="Bytes of messages that may wait for a slow reader.")
    slow_reader_timeout: Seconds = Field(5.0, description="Seconds that a client may leave untaken what waits for it; then it is dropped.")
    heartbeat: Seconds = Field(20.0, description="Seconds between signs of life on sockets and streams.")

    # Persisted operations
    trusted_documents: Path | None = Field(None, description="JSON file of registered operations: `{id: document}` or Apollo's manifest.")
    trusted_documents_mode: Literal["off", "allow", "only"] = Field(
        "allow", description="`allow`: registered ids work beside other documents; `only`: nothing else runs; `off`: the file is not read."
    )
    persisted_queries: Count = Field(1_000, description="Automatic persisted queries kept in memory, a process; 0 switches them off.")

    # Running
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Form of log lines: `json`, or `console` for people; `auto` is `console` on a terminal."
    )
    access_log: bool = Field(default=True, description="Log a line a request.")
    slow_statement: SecondsOrNone = Field(0.5, description="Seconds above which an SQL statement is logged; 0 logs none.")
    metrics: bool = Field(default=True, description="Serve Prometheus metrics at `/metrics`; they name clients' operations.")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="TCP port that serves metrics and health alone; `/metrics` is then not on the other one."
    )
    metrics_token: SecretText | None = Field(None, description="Token that whoever reads metrics sends: `Authorization: Bearer …`.")
    metrics_token_file: Path | None = Field(None, description="File that holds that token, in place of the variable.")
    otlp_endpoint: Address = Field(
        None,
        description="Address of an OpenTelemetry collector (OTLP over HTTP), as in `http://collector:4318`: traces go to its `/v1/traces`. "
        "Unless set, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` say it; without any there are no traces.",
    )
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="Share of requests that are traced, 0 to 1, where their client's `traceparent` doesn't decide it."
    )
    shutdown_delay: SecondsOrNone = Field(0.0, description="Seconds of answering on, not ready, before the port is closed.")
    shutdown_timeout: WholeSeconds = Field(20, description="Seconds for requests in flight to finish when stopping.")

    @model_validator(mode="before")
    @classmethod
    def _secrets(cls, given: Value) -> Value:
        return with_secrets(given, SECRETS) if isinstance(given, dict) else given

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return database_address(value)

    @model_validator(mode="after")
    def _documents(self) -> "Settings":
        if self.trusted_documents_mode == "only" and self.trusted_documents is None:
            raise ValueError("GATEWAY_TRUSTED_DOCUMENTS_MODE=only needs GATEWAY_TRUSTED_DOCUMENTS")
        return self

    @model_validator(mode="after")
    def _ports(self) -> "Settings":
        if self.metrics_port is not None and self.metrics_port == self.port:
            raise ValueError("GATEWAY_METRICS_PORT is GATEWAY_PORT: give metrics a port of their own, or leave it out")
        return self

    @model_validator(mode="after")
    def _provider(self) -> "Settings":
        if self.oidc_issuer is not None and self.jwt_jwks_url is not None:
            raise ValueError("GATEWAY_OIDC_ISSUER and GATEWAY_JWT_JWKS_URL are both set: set one of them")
        if self.oidc_issuer is not None and not self.jwt_audience:
            raise ValueError("GATEWAY_OIDC_ISSUER needs GATEWAY_JWT_AUDIENCE: else tokens for the provider's other applications would do")
        return self

    @model_validator(mode="after")
    def _sunset(self) -> "Settings":
        if self.rest_sunset is None and (self.rest_deprecated or self.rest_sunset_link):
            raise ValueError("GATEWAY_REST_DEPRECATED and GATEWAY_REST_SUNSET_LINK need GATEWAY_REST_SUNSET")
        if self.rest_sunset and self.rest_deprecated and self.rest_deprecated > self.rest_sunset:
            raise ValueError("GATEWAY_REST_DEPRECATED is after GATEWAY_REST_SUNSET")
        return self

    @property
    def takes_jwts(self) -> bool:
        """Whether an identity provider's tokens are believed."""
        return bool(self.jwt_secret or self.jwt_jwks_url or self.oidc_issuer)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the port."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def address(self) -> str:
        """Return the address of the port for a client on this machine."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def load(**overrides: Value) -> Settings:
    """Settings of the environment, `overrides` (the command line's flags) before it. Raises SettingsError in words."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**over_environment(given, SECRETS))
    except ValidationError as error:
        raise SettingsError("\n".join(sentence(fault, given) for fault in error.errors())) from None


def unknown_variables(names: Collection[str]) -> Iterator[str]:
    """A sentence for each of the environment's `names` that looks like a setting and is none."""
    return unknown(names, Settings.model_fields)
