"""An OpenID Connect provider of its own: found by its issuer, with keys that change, and that is away, slow, wrong or far too large."""

import asyncio
import base64
import contextlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.auth import Authenticator, AuthError
from gateway.auth.keyset import FRESH_SECONDS, RETRY_SECONDS, UNKNOWN_SECONDS, KeySet, KeysUnavailable, ProviderKeys, of_issuer
from gateway.auth.provider_client import READ_SECONDS, Fetcher, ProviderFault
from gateway.settings import Settings, SettingsError, load
from schema.rules.access import Caller, Role
from schema.storage.opening import open_database
from tests.rest_compat.real import Gateway, gateway

AUDIENCE = "crm"
EMAIL = "ann@acme.example"
PRIVATE = {"one": rsa.generate_private_key(65_537, 2_048), "two": ec.generate_private_key(ec.SECP256R1())}
ALGORITHMS = {"one": "RS256", "two": "ES256"}
CREATE_USER = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }"


def public(kid: str) -> dict[str, Any]:
    """A key as it is published (RFC 7517)."""
    key: Any = PRIVATE[kid].public_key()
    made = RSAAlgorithm.to_jwk(key, as_dict=True) if kid == "one" else ECAlgorithm.to_jwk(key, as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": ALGORITHMS[kid]}


@dataclass
class OpenIdProvider:
    """What it publishes, by path, and how it misbehaves."""

    url: str = ""
    kids: list[str] = field(default_factory=lambda: ["one"])
    more_keys: list[dict[str, Any]] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    location: str = ""
    padding: int = 0
    hold: threading.Event = field(default_factory=threading.Event)
    is_slow: bool = False
    trickles: bytes = b""
    instead: bytes = b""
    asked: list[str] = field(default_factory=list)

    def body(self, path: str) -> Any:
        if path == "/keys":
            return {"keys": [*map(public, self.kids), *self.more_keys], "padding": "x" * self.padding}
        found = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "id_token_signing_alg_values_supported": ["RS256", "ES256", "none"]}
        return {**found, **self.document}

    def token(self, kid: str = "one", **changes: Any) -> str:
        """An Authorization header with a signed token; None takes a claim away."""
        good = {"sub": "42", "email": EMAIL, "workspace": "Here", "iss": self.url, "aud": AUDIENCE, "exp": int(time.time()) + 600}
        claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
        return "Bearer " + jwt.encode(claims, PRIVATE[kid], ALGORITHMS[kid], headers={"kid": kid})  # type: ignore[arg-type]


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    state = OpenIdProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if state.is_slow:
                state.hold.wait(60)
            with contextlib.suppress(OSError):
                while state.trickles:
                    self.wfile.write(state.trickles)
                    state.hold.wait(0.02)
            if state.instead:
                self.wfile.write(state.instead)
                return
            body = json.dumps(state.body(self.path)).encode()
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield state
    state.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def here(database_url: str, provider: OpenIdProvider) -> AsyncIterator[Gateway]:
    """A gateway that believes the provider, with a user who is known by the e-mail address."""
    settings = {"oidc_issuer": provider.url, "jwt_audience": AUDIENCE, "jwt_user_claim": "email"}
    async with gateway(database_url, **settings) as opened:
        await opened.query(CREATE_USER, {"input": {"name": "Ann", "email": EMAIL, "role": "MEMBER"}})
        yield opened


@pytest.fixture
def keys(provider: OpenIdProvider, clock: Clock) -> KeySet:
    return KeySet(of_issuer(provider.url), provider.url, stale=86_400, clock=clock)


async def status(here: Gateway, token: str) -> int:
    return (await here.client.get("/api/accounts/", headers={"authorization": token})).status_code


@pytest.mark.parametrize("kid", [["one"], {"one": 1}, 7])
def test_a_key_whose_name_is_no_text(kid: object) -> None:
    """A provider's mistake isn't ours: such a key is none, and a token that names no key is refused rather than answered by a 500."""
    assert ProviderKeys([{**public("one"), "kid": kid}]).key(None, "RS256") is None
    assert ProviderKeys([public("one")]).key(None, "RS256") is not None


async def test_discovery(here: Gateway, provider: OpenIdProvider) -> None:
    """With nothing but the issuer and the audience a token opens the gateway: keys and algorithms are found, and asked for once."""
    answers = await asyncio.gather(*[status(here, provider.token(n=number)) for number in range(20)])
    assert set(answers) == {200}
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_two_keys(here: Gateway, provider: OpenIdProvider) -> None:
    """Keys of different kinds stand side by side; each token is checked with the one that it names."""
    provider.kids = ["one", "two"]
    assert [await status(here, provider.token(kid)) for kid in ("one", "two")] == [200, 200]
    assert len(provider.asked) == 2


async def test_a_rotation(provider: OpenIdProvider, keys: KeySet, clock: Clock) -> None:
    """An unknown key is looked for once, by one fetch for all who wait; after that not again for a while, whoever asks."""
    one, two = {"alg": "RS256", "kid": "one"}, {"alg": "ES256", "kid": "two"}
    assert await keys.key(one)
    provider.kids = ["two"]
    clock.seconds += UNKNOWN_SECONDS
    found = await asyncio.gather(*[keys.key(two) for _ in range(50)])
    assert len({id(each) for each in found}) == 1
    assert provider.asked.count("/keys") == 2
    for kid in ("one", *(f"k{number}" for number in range(50))):
        with pytest.raises(AuthError, match="doesn't publish"):
            await keys.key({"alg": "RS256", "kid": kid})
    assert provider.asked.count("/keys") == 2
    clock.seconds += UNKNOWN_SECONDS
    with pytest.raises(AuthError, match="doesn't publish"):
        await keys.key(one)
    assert provider.asked.count("/keys") == 3


async def test_keys_are_fetched_anew_beside_requests(provider: OpenIdProvider, keys: KeySet, clock: Clock) -> None:
    """After five minutes keys are fetched again, and nobody waits for it; what the provider took away is gone then."""
    one = {"alg": "RS256", "kid": "one"}
    assert await keys.key(one)
    provider.kids = ["two"]
    clock.seconds += FRESH_SECONDS
    assert await keys.key(one)
    assert keys._task is not None
    await keys._task
    with pytest.raises(AuthError, match="doesn't publish"):
        await keys.key(one)


async def test_a_provider_that_is_away(provider: OpenIdProvider, keys: KeySet, clock: Clock) -> None:
    """Known keys are used on for a day; an unknown one is no fault of its token meanwhile. The provider isn't asked each time."""
    one, two = {"alg": "RS256", "kid": "one"}, {"alg": "ES256", "kid": "two"}
    assert await keys.key(one)
    provider.status = 503
    clock.seconds += 86_399
    for _ in range(5):
        assert await keys.key(one)
        assert keys._task is None or await keys._task is None
    asked = len(provider.asked)
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            await keys.key(two)
    assert len(provider.asked) == asked
    clock.seconds += 1 + RETRY_SECONDS
    with pytest.raises(KeysUnavailable):
        await keys.key(one)
    provider.status = 200
    clock.seconds += RETRY_SECONDS
    assert await keys.key(one)


async def test_away_from_the_start(here: Gateway, provider: OpenIdProvider) -> None:
    """Without any key known callers hear 503 with Retry-After, and nobody is told that the token is bad."""
    provider.status = 500
    answer = await here.client.get("/api/accounts/", headers={"authorization": provider.token()})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert await status(here, provider.token(n=2)) == 503
    assert len(provider.asked) <= 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"document": {"issuer": "https://other.example"}}, "says that its issuer is 'https://other.example'"),
        ({"document": {"issuer": None}}, "says that its issuer is None"),
        ({"document": {"jwks_uri": None}}, "names no jwks_uri"),
        ({"document": {"jwks_uri": "http://id.example/keys"}}, "is not asked: write https"),
        ({"document": {"jwks_uri": "file:///etc/passwd"}}, "is not asked: write an address"),
        ({"document": {"id_token_signing_alg_values_supported": ["none", "HS256"]}}, "names no algorithm that is accepted"),
        ({"document": {"id_token_signing_alg_values_supported": "RS256"}}, "names no algorithm that is accepted"),
        ({"padding": 300_000}, "has more than 262144 bytes"),
        ({"status": 302, "location": "https://other.example/"}, "answers with a redirect to https://other.example/"),
        ({"status": 404}, "can't be fetched: HTTP Error 404"),
        ({"instead": b"SSH-2.0-OpenSSH_9.2\r\n"}, "can't be fetched: SSH-2.0-OpenSSH_9.2"),
        ({"instead": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"}, "can't be fetched"),
    ],
)
async def test_what_a_provider_may_not_say(
    provider: OpenIdProvider, keys: KeySet, change: dict[str, Any], says: str, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    """Whatever is wrong with the provider, callers hear 503 and the log has the reason, with what to set where that helps."""
    for name, value in change.items():
        setattr(provider, name, value)
    with pytest.raises(KeysUnavailable):
        await keys.key({"alg": "RS256", "kid": "one"})
    assert says in caplog.text + capsys.readouterr().out.replace("\\'", "'")


@pytest.mark.parametrize("date", ["1 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 2020 00:00:00 +99999999999999999", "\xff, ="])
async def test_a_date_without_meaning(here: Gateway, provider: OpenIdProvider, date: str) -> None:
    """Keys count, whatever the provider's clock says: a year that no calendar has was an error of the gateway's own."""
    body = [json.dumps(provider.body(path)).encode() for path in ("", "/keys")]
    both = json.dumps({**json.loads(body[0]), **json.loads(body[1])}).encode()
    provider.instead = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: %d\r\n\r\n%b" % (date.encode("latin-1"), len(both), both)
    assert await status(here, provider.token()) == 200


async def test_an_error_that_nobody_thought_of(here: Gateway, monkeypatch: pytest.MonkeyPatch, provider: OpenIdProvider) -> None:
    """Whatever a library raises while keys are fetched, callers hear 503 as for any provider that is away, and it is asked again."""
    with monkeypatch.context() as patch:
        patch.setattr("gateway.auth.provider_client.build_opener", lambda *_: 1 / 0)
        assert await status(here, provider.token()) == 503
    with monkeypatch.context() as patch:
        patch.setattr("gateway.auth.keyset.RETRY_SECONDS", 0.0)
        patch.setattr("gateway.auth.keyset.Fetcher", lambda _: 1 / 0)
        assert await status(here, provider.token()) == 503
    monkeypatch.setattr("gateway.auth.keyset.RETRY_SECONDS", 0.0)
    assert await status(here, provider.token()) == 200


async def test_a_provider_that_is_slow(provider: OpenIdProvider, keys: KeySet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a silent provider longer than its time, and who comes next doesn't wait for it again."""
    monkeypatch.setattr("gateway.auth.keyset.DEADLINE_SECONDS", 0.1)
    provider.is_slow = True
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await keys.key({"alg": "RS256", "kid": "one"})
    provider.hold.set()
    assert len(provider.asked) <= 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
async def test_a_provider_that_trickles(provider: OpenIdProvider, head: bytes) -> None:
    """A byte now and then keeps no thread: what is fetched has a time for all of it, be the bytes those of headers or of a body."""
    provider.trickles = head or b"H"
    began = time.monotonic()
    with pytest.raises(ProviderFault, match="takes longer than"):
        await asyncio.to_thread(Fetcher(began + 0.2), provider.url)
    assert time.monotonic() - began < READ_SECONDS
    provider.trickles = b""


async def test_a_time_that_is_up_before_the_connection_is_there(provider: OpenIdProvider) -> None:
    """A second document, fetched with what the first one has left of the time, keeps no thread either."""
    provider.trickles = b"H"
    with pytest.raises(ProviderFault, match="takes longer than"):
        await asyncio.to_thread(Fetcher(time.monotonic() - 1), provider.url)
    provider.trickles = b""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"iss": "https://other.example"}, "The token is from another issuer."),
        ({"iss": "SLASH"}, "The token is from another issuer."),
        ({"iss": None}, "The token has no claim 'iss'."),
        ({"aud": "shop"}, "The token is for another audience."),
        ({"aud": ["shop", "site"]}, "The token is for another audience."),
        ({"aud": None}, "The token has no claim 'aud'."),
        ({"exp": 1}, "The token has expired."),
        ({"exp": None}, "The token has no claim 'exp'."),
        ({"nbf": 4_000_000_000}, "The token is not valid yet."),
        ({"iat": 4_000_000_000}, "The token is not valid yet."),
        ({"email": "nobody@acme.example"}, "The user that the token names is unknown."),
        ({"email_verified": False}, "The identity provider has not verified the e-mail address of the token's user."),
        ({"email_verified": "false"}, "The identity provider has not verified the e-mail address of the token's user."),
        ({"email_verified": "False"}, "The identity provider has not verified the e-mail address of the token's user."),
        ({"email_verified": "0"}, "The identity provider has not verified the e-mail address of the token's user."),
        ({"email_verified": 0}, "The identity provider has not verified the e-mail address of the token's user."),
    ],
)
async def test_a_bad_token(here: Gateway, provider: OpenIdProvider, changes: dict[str, Any], says: str) -> None:
    """Each fault of a token is 401 in the error's one shape, and WWW-Authenticate says it as RFC 6750 has it."""
    given = {name: f"{provider.url}/" if value == "SLASH" else value for name, value in changes.items()}
    answer = await here.client.get("/api/accounts/", headers={"authorization": provider.token(**given)})
    assert (answer.status_code, answer.json()) == (401, {"detail": says, "code": "unauthenticated"})
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", error_description="{says}"'


async def test_good_audiences_and_clocks(here: Gateway, provider: OpenIdProvider) -> None:
    """The audience may be one of many; clocks may differ by the leeway, at both ends."""
    now = int(time.time())
    for changes in (
        {"aud": ["shop", AUDIENCE]},
        {"email_verified": True},
        {"email_verified": "True"},
        {"exp": now - 10},
        {"nbf": now + 20, "iat": now + 20},
    ):
        assert await status(here, provider.token(**changes)) == 200


async def test_the_leeway_is_a_setting(here: Gateway, provider: OpenIdProvider) -> None:
    """With no leeway a token ends on its second."""
    settings = Settings(oidc_issuer=provider.url, jwt_audience=AUDIENCE, jwt_user_claim="email", jwt_leeway=0)
    strict = Authenticator(here.app.database, settings)
    with pytest.raises(AuthError, match="expired"):
        await strict.authenticate(provider.token(exp=int(time.time()) - 2))
    with pytest.raises(SettingsError, match="GATEWAY_JWT_LEEWAY: write 300 or less"):
        load_with(GATEWAY_JWT_LEEWAY="301")


def load_with(**variables: str) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return load()


async def test_no_public_key_is_a_secret(here: Gateway, provider: OpenIdProvider) -> None:
    """`none`, HS256 with the public key, a key of another kind, and an algorithm that the provider doesn't name are all refused."""
    pem = PRIVATE["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"email": EMAIL, "workspace": "Here", "iss": provider.url, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    provider.more_keys = [{"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"}]
    body = jwt.encode(claims, "x" * 32, "HS256").split(".")[1]
    tokens = [
        jwt.encode(claims, "", "none"),
        jwt.encode(claims, PRIVATE["one"], "PS256", headers={"kid": "one"}),
        jwt.encode(claims, PRIVATE["two"], "ES256", headers={"kid": "one"}),
        signed_with(pem, body, "one"),
        signed_with(b"secret-secret-secret-secret-secret", body, "secret"),
    ]
    assert [await status(here, f"Bearer {token}") for token in tokens] == [401] * 5


def signed_with(secret: bytes, body: str, kid: str) -> str:
    """An HS256 token by hand: the library refuses to sign with a public key."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode()).rstrip(b"=").decode()
    signature = base64.urlsafe_b64encode(hmac.digest(secret, f"{head}.{body}".encode(), "sha256")).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


async def test_algorithms_are_the_providers(provider: OpenIdProvider, keys: KeySet) -> None:
    """What the provider doesn't sign with isn't accepted, though the gateway could."""
    provider.kids = ["one", "two"]
    provider.document = {"id_token_signing_alg_values_supported": ["RS256"]}
    assert await keys.key({"alg": "RS256", "kid": "one"})
    with pytest.raises(AuthError, match="accepted are: RS256"):
        await keys.key({"alg": "ES256", "kid": "two"})


async def test_a_token_that_names_no_key(provider: OpenIdProvider, keys: KeySet) -> None:
    """Where one key alone suits its algorithm, a token needn't name it."""
    provider.kids = ["one", "two"]
    assert await keys.key({"alg": "RS256"}) is await keys.key({"alg": "RS256", "kid": "one"})
    provider.more_keys = [{**public("one"), "kid": "three"}]
    other = KeySet(of_issuer(provider.url), provider.url, stale=60)
    with pytest.raises(AuthError, match="doesn't publish"):
        await other.key({"alg": "RS256"})


@pytest.mark.parametrize("issuer", ["http://id.example", "https://", "ftp://id.example", "id.example", "file:///etc", "http://[::1"])
def test_issuers_that_are_none(sqlite_url: str, issuer: str) -> None:
    """An issuer is an https address, but on this machine: told at the start, in a sentence."""
    with pytest.raises(SettingsError, match=r"\AGATEWAY_OIDC_ISSUER: write "):
        Authenticator(open_database(sqlite_url), Settings(oidc_issuer=issuer, jwt_audience=AUDIENCE))


def test_settings_that_dont_fit() -> None:
    """An issuer needs an audience, and stands in place of an address of keys."""
    with pytest.raises(SettingsError, match="GATEWAY_OIDC_ISSUER needs GATEWAY_JWT_AUDIENCE"):
        load_with(GATEWAY_OIDC_ISSUER="https://id.example")
    with pytest.raises(SettingsError, match="are both set"):
        load_with(GATEWAY_OIDC_ISSUER="https://id.example", GATEWAY_JWT_AUDIENCE="a", GATEWAY_JWT_JWKS_URL="https://id.example/keys")


ALL = None


@pytest.mark.parametrize(
    ("mode", "claims", "scopes"),
    [
        ("optional", {}, ALL),
        ("optional", {"scope": "openid profile email"}, ALL),
        ("optional", {"scope": "openid accounts:read"}, {"accounts:read"}),
        ("optional", {"scope": "accounts:write"}, {"accounts:read", "accounts:write"}),
        ("optional", {"scope": ["accounts:read users:read"]}, {"accounts:read", "users:read"}),
        ("optional", {"scope": "accounts:read,users:read"}, {"accounts:read", "users:read"}),
        ("optional", {"scope": "openid invoices:read"}, set()),
        ("optional", {"scope": "Accounts:Read"}, set()),
        ("optional", {"scope": ""}, ALL),
        ("required", {}, set()),
        ("required", {"scope": "openid"}, set()),
        ("required", {"scope": "accounts:read"}, {"accounts:read"}),
        ("ignored", {"scope": "accounts:read"}, ALL),
    ],
)
async def test_scopes_of_a_token(here: Gateway, provider: OpenIdProvider, mode: Any, claims: dict[str, Any], scopes: Any) -> None:
    """The scopes that the gateway knows narrow a token (RFC 9068), and so do unknown ones in their form; other words don't."""
    settings = Settings(oidc_issuer=provider.url, jwt_audience=AUDIENCE, jwt_user_claim="email", jwt_scopes=mode)
    caller: Caller = await Authenticator(here.app.database, settings).authenticate(provider.token(**claims))
    assert (caller.role, caller.scopes) == (Role.MEMBER, ALL if scopes is ALL else frozenset(scopes))


@pytest.mark.parametrize("claim", [7, True, {"accounts:read": True}, ["accounts:read", 7], [["accounts:read"]]])
async def test_scopes_that_cannot_be_read(here: Gateway, provider: OpenIdProvider, claim: Any) -> None:
    """A claim of which nobody knows what it allows is refused, and doesn't open all that the role allows."""
    settings = Settings(oidc_issuer=provider.url, jwt_audience=AUDIENCE, jwt_user_claim="email")
    with pytest.raises(AuthError, match="'scope' is neither a text nor a list of texts"):
        await Authenticator(here.app.database, settings).authenticate(provider.token(scope=claim))


async def test_scopes_of_a_token_are_held(here: Gateway, provider: OpenIdProvider) -> None:
    """Such a token is refused like a key; the claim's name is a setting (Entra's is `scp`)."""
    refused = await here.client.get("/api/opportunities/", headers={"authorization": provider.token(scope="accounts:read")})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await status(here, provider.token(scope="accounts:read")) == 200
    settings = Settings(oidc_issuer=provider.url, jwt_audience=AUDIENCE, jwt_user_claim="email", jwt_scope_claim="scp")
    caller = await Authenticator(here.app.database, settings).authenticate(provider.token(scp="users:read", scope="accounts:read"))
    assert caller.scopes == {"users:read"}
