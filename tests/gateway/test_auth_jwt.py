"""JWTs of an identity provider: what is checked, what its claims mean here, and what a client is told."""

import asyncio
import base64
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from gateway.auth import Authenticator, AuthError
from gateway.settings import Settings, SettingsError
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Caller, Role
from schema.storage.database import Connection, Database, DatabaseUnavailable
from schema.storage.opening import open_database

SECRET = "a secret of thirty-two bytes or so"
ISSUER, AUDIENCE = "https://id.example", "crm"
USER, VIEWER, GONE = (f"usr_0000000000000000000000000{number}" for number in (1, 2, 3))
ACCOUNT = "acc_00000000000000000000000001"
ROW = (
    'INSERT INTO "user" (workspace_id, id, name, search_folded, email, email_folded, role, is_active, account_id,'
    " created_at, updated_at, version)"
    " VALUES ('{workspace}', '{id}', 'N', 'n', '{email}', '{email}', '{role}', {active}, {account}, '2026-01-01T00:00:00Z',"
    " '2026-01-01T00:00:00Z', 1)"
)


@pytest.fixture
async def workspace(database: Database) -> str:
    """A workspace named Acme with a member, a viewer limited to an account, and a user who is gone."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "first"))
    account = (
        "INSERT INTO account (workspace_id, id, name, name_folded, created_at, updated_at, version)"
        f" VALUES ('{created.workspace_id}', '{ACCOUNT}', 'A', 'a', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1)"
    )
    users = [
        {"id": USER, "email": "jäger@acme.example", "role": "member", "active": "TRUE", "account": "NULL"},
        {"id": VIEWER, "email": "v@acme.example", "role": "viewer", "active": "TRUE", "account": f"'{ACCOUNT}'"},
        {"id": GONE, "email": "g@acme.example", "role": "admin", "active": "FALSE", "account": "NULL"},
    ]

    async def work(connection: Connection) -> None:
        for statement in (account, *(ROW.format(workspace=created.workspace_id, **user) for user in users)):
            await connection.execute(database.compile(text(statement.replace(":", "\\:"))), {})

    await database.write(work)
    return created.workspace_id


Sign = Callable[..., str]


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, changed; None takes one away."""
    good = {"sub": USER, "workspace": "Acme", "exp": int(time.time()) + 600, "iss": ISSUER, "aud": AUDIENCE}
    return {name: value for name, value in (good | changes).items() if value is not None}


def header(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **changes: Any) -> str:
    """An Authorization header with a signed token."""
    return "Bearer " + jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def make(database: Database, **settings: Any) -> Authenticator:
    """An authenticator that knows the provider's secret."""
    return Authenticator(database, Settings(**{"jwt_secret": SECRET, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, **settings}))


@pytest.mark.parametrize("named", ["Acme", "its id"])
@pytest.mark.parametrize("sub", [USER, "jäger@acme.example", "JÄGER@Acme.Example"])
async def test_claims_make_a_caller(database: Database, workspace: str, sub: str, named: str) -> None:
    """A user is named by id or e-mail address, the workspace by id or name; the role is what the user's row says."""
    token = header(sub=sub, workspace=workspace if named == "its id" else named, role="admin", exp=4_102_444_800)
    caller = await make(database).authenticate(token)
    assert caller == Caller(workspace, Role.MEMBER, USER, None, USER, None, "2100-01-01T00:00:00Z")


async def test_a_viewer_keeps_the_limit(database: Database, workspace: str) -> None:
    """A viewer's account comes from the user's row."""
    caller = await make(database).authenticate(header(sub=VIEWER))
    assert (caller.role, caller.account_id) == (Role.VIEWER, ACCOUNT)


async def test_other_claims_by_setting(database: Database, workspace: str) -> None:
    """Which claims name user and workspace is a setting."""
    authenticator = make(database, jwt_user_claim="email", jwt_workspace_claim="org")
    assert (await authenticator.authenticate(header(sub="42", email="v@acme.example", org="Acme", workspace=None))).user_id == VIEWER


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "no claim 'exp'"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": None}, "no claim 'iss'"),
        ({"aud": "shop"}, "another audience"),
        ({"aud": None}, "no claim 'aud'"),
        ({"key": SECRET[::-1]}, "signature is wrong"),
        ({"workspace": None}, "claim 'workspace' is missing"),
        ({"workspace": "Other"}, "token names is unknown"),
        ({"workspace": 7}, "claim 'workspace' is missing, or is not a name"),
        ({"workspace": "Ac\x00me"}, "claim 'workspace' is missing, or is not a name"),
        ({"sub": None}, "claim 'sub' is missing"),
        ({"sub": "usr_nobody"}, "token names is unknown"),
        ({"sub": "nobody@acme.example"}, "token names is unknown"),
        ({"sub": "a" * 400}, "claim 'sub' is missing, or is not a name"),
        ({"sub": "x\ud800"}, "claim 'sub' is missing, or is not a name"),
        ({"sub": GONE}, "no longer active"),
        ({"exp": float("1e400")}, "not a valid JWT"),
        ({"exp": "soon"}, "not a valid JWT"),
        ({"exp": [1]}, "not a valid JWT"),
        ({"key": "", "algorithm": "none"}, "algorithm is not accepted; accepted are: HS256"),
        ({"key": SECRET * 2, "algorithm": "HS512"}, "algorithm is not accepted; accepted are: HS256"),
    ],
)
async def test_a_bad_token_says_what_is_wrong(database: Database, workspace: str, changes: dict[str, Any], says: str) -> None:
    """Each fault is refused with a message of its own, whatever the claims hold."""
    with pytest.raises(AuthError, match=says):
        await make(database).authenticate(header(**changes))


async def test_a_little_late_is_in_time(database: Database, workspace: str) -> None:
    """Clocks may differ by 30 s."""
    assert await make(database).authenticate(header(exp=int(time.time()) - 20))
    with pytest.raises(AuthError, match="expired"):
        await make(database).authenticate(header(exp=int(time.time()) - 31))


async def test_the_end_of_time(database: Database, workspace: str) -> None:
    """An expiry beyond the calendar is the calendar's end, not a defect."""
    assert (await make(database).authenticate(header(exp=10**18))).expires_at == "9999-12-31T23:59:59Z"


async def test_off_unless_set(database: Database, workspace: str) -> None:
    """Without a secret or an address of keys no JWT is believed."""
    with pytest.raises(AuthError, match="not accepted here"):
        await make(database, jwt_secret=None).authenticate(header())


async def test_a_changed_user_is_looked_up_again(database: Database, workspace: str) -> None:
    """`forget` holds for users as for keys: a deactivated user's token ends at once."""
    authenticator = make(database)
    await authenticator.authenticate(header(exp=4_102_444_800))

    async def deactivate(connection: Connection) -> None:
        await connection.execute(database.compile(text('UPDATE "user" SET is_active = FALSE')), {})

    await database.write(deactivate)
    authenticator.forget(USER)
    with pytest.raises(AuthError, match="no longer active"):
        await authenticator.authenticate(header(exp=4_102_444_800))


def test_a_short_secret_is_refused(sqlite_url: str) -> None:
    """HS256 with a short secret can be guessed (RFC 7518 section 3.2): the gateway doesn't start with one."""
    with pytest.raises(SettingsError, match="GATEWAY_JWT_SECRET: HS256 needs at least 32 bytes"):
        Authenticator(open_database(sqlite_url), Settings(jwt_secret="short"))
    with pytest.raises(SettingsError, match="GATEWAY_JWT_JWKS_URL"):
        Authenticator(open_database(sqlite_url), Settings(jwt_jwks_url="file:///etc/passwd"))


class Provider:
    """An identity provider on a port: serves public keys, counts the calls, and can be out of order."""

    def __init__(self) -> None:
        self.private = {
            "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        self.calls = 0
        self.broken = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.calls += 1
                self.send_response(500 if provider.broken else 200)
                self.end_headers()
                self.wfile.write(provider.keys())

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"

    def keys(self) -> bytes:
        """The key set (RFC 7517)."""
        makers = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm, "EdDSA": jwt.algorithms.OKPAlgorithm}
        made: list[dict[str, Any]] = []
        for algorithm, key in self.private.items():
            public: Any = key.public_key()
            made.append({**makers[algorithm].to_jwk(public, as_dict=True), "kid": algorithm, "use": "sig", "alg": algorithm})
        return json.dumps({"keys": made}).encode()


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    thread = threading.Thread(target=running.server.serve_forever, args=[0.01])
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_published_keys(database: Database, workspace: str, provider: Provider, algorithm: str) -> None:
    """Tokens of each asymmetric algorithm are believed by the provider's published keys, which are fetched once."""
    authenticator = make(database, jwt_secret=None, jwt_jwks_url=provider.url)
    for number in range(5):
        caller = await authenticator.authenticate(header(provider.private[algorithm], algorithm, kid=algorithm, n=number))
        assert caller.user_id == USER
    assert provider.calls == 1


async def test_a_public_key_is_no_secret(database: Database, workspace: str, provider: Provider) -> None:
    """HS256 over a published key's bytes is refused, with and without a secret of one's own (RFC 8725 section 2.1)."""
    signed = f"{part({'alg': 'HS256', 'kid': 'RS256'})}.{part(claims())}"
    pem = provider.private["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = f"Bearer {signed}.{base64url(hmac.digest(pem, signed.encode(), 'sha256'))}"
    with pytest.raises(AuthError, match="algorithm is not accepted"):
        await make(database, jwt_jwks_url=provider.url, jwt_secret=None).authenticate(token)
    with pytest.raises(AuthError, match="signature is wrong"):
        await make(database, jwt_jwks_url=provider.url).authenticate(token)


def part(value: object) -> str:
    """A part of a JWT, made by hand."""
    return base64url(json.dumps(value).encode())


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


async def test_unknown_keys_dont_flood_the_provider(database: Database, workspace: str, provider: Provider) -> None:
    """Tokens that name keys which aren't there make the gateway ask the provider once, not each time."""
    authenticator = make(database, jwt_secret=None, jwt_jwks_url=provider.url)
    for number in range(20):
        with pytest.raises(AuthError, match="doesn't publish"):
            await authenticator.authenticate(header(provider.private["RS256"], "RS256", kid=f"k{number}"))
    assert provider.calls <= 2


async def test_a_provider_that_is_away(database: Database, workspace: str, provider: Provider) -> None:
    """While keys can't be fetched callers hear 503 and the provider isn't asked each time; nobody is told that the token is bad."""
    provider.broken = True
    authenticator = make(database, jwt_secret=None, jwt_jwks_url=provider.url)
    for _ in range(20):
        with pytest.raises(DatabaseUnavailable, match="identity provider's keys"):
            await authenticator.authenticate(header(provider.private["RS256"], "RS256", kid="RS256"))
    assert provider.calls == 1


async def test_a_provider_that_never_ends(database: Database, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that come byte by byte hold nobody up for longer than their time: callers hear 503, and others don't wait for it again."""
    monkeypatch.setattr("gateway.auth.keyset.DEADLINE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        authenticator = make(database, jwt_secret=None, jwt_jwks_url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        token = header(rsa.generate_private_key(65_537, 2_048), "RS256", kid="a")
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match="can't be fetched"):
                await authenticator.authenticate(token)


async def test_both_sources_at_once(database: Database, workspace: str, provider: Provider) -> None:
    """A secret and published keys may be set together; each token is checked by its algorithm's."""
    authenticator = make(database, jwt_jwks_url=provider.url)
    callers = await asyncio.gather(
        authenticator.authenticate(header()), authenticator.authenticate(header(provider.private["ES256"], "ES256", kid="ES256"))
    )
    assert [caller.user_id for caller in callers] == [USER, USER]


@pytest.mark.parametrize("token", ["a.b.c", "e30.e30.", "eyJhbGciOiJIUzI1NiJ9.bm90IGpzb24.x", "....", "." * 50, "eyJhbGciOjF9.e30.x"])
async def test_malformed_tokens(database: Database, token: str) -> None:
    """What only looks like a JWT is refused in words."""
    with pytest.raises(AuthError):
        await make(database).authenticate(f"Bearer {token}")
