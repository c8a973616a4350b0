"""Operations by id: automatic persisted queries and registered documents."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.graphql.documents import KEPT_BYTES, NotPersisted, PersistedDocuments, read_trusted
from gateway.graphql.parameters import Parameters
from tests.gateway.conftest import MakeApp, calling

QUERY = "{ hello }"


def by_hash(text: str, **members: Any) -> dict[str, Any]:
    return {**members, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}}


async def test_automatic_persisted_queries(make_app: MakeApp) -> None:
    """Unknown at first, in the words that clients look for; sent with its text it is kept, by GET as well as POST."""
    async with calling(make_app()) as client:
        missing = await client.post("/graphql", json=by_hash(QUERY))
        assert missing.json() == {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]}
        assert (await client.post("/graphql", json=by_hash(QUERY, query=QUERY))).json()["data"] == {"hello": "hello you"}
        again = await client.get("/graphql", params={"extensions": json.dumps(by_hash(QUERY)["extensions"])})
        assert again.json()["data"] == {"hello": "hello you"}


async def test_the_status_of_an_unknown_hash(make_app: MakeApp) -> None:
    """200 as legacy JSON, by which Apollo's clients for phones go before they read the body; 404 for who takes GraphQL's own media type."""
    async with calling(make_app()) as client:
        for accept, status in (("application/json", 200), ("*/*", 200), ("application/graphql-response+json", 404)):
            client.headers["accept"] = accept
            by_get = await client.get("/graphql", params={"extensions": json.dumps(by_hash(QUERY)["extensions"])})
            for answer in (
                by_get,
                await client.post("/graphql", json=by_hash(QUERY)),
                await client.post("/graphql", json={"documentId": "x"}),
            ):
                assert (answer.status_code, answer.json()["errors"][0]["message"]) == (status, "PersistedQueryNotFound")
        client.headers["accept"] = "text/event-stream"
        assert (await client.post("/graphql", json=by_hash(QUERY))).status_code == 404


async def test_automatic_persisted_queries_switched_off(make_app: MakeApp) -> None:
    """A client is told so in the words that its link looks for, and sends texts from then on: it sent each operation twice."""
    async with calling(make_app(persisted_queries=0)) as client:
        answer = await client.post("/graphql", json=by_hash(QUERY), headers={"accept": "application/json"})
        wanted = {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}
        assert (answer.status_code, answer.json()) == (200, {"errors": [wanted]})
        assert (await client.post("/graphql", json=by_hash(QUERY, query=QUERY))).json()["data"] == {"hello": "hello you"}
        answer = await client.post("/graphql", json={"documentId": "greet"})
        assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_a_wrong_hash_is_refused(make_app: MakeApp) -> None:
    """Nobody can put a text under the hash of another."""
    async with calling(make_app()) as client:
        assert (await client.post("/graphql", json=by_hash("{ other }", query=QUERY))).status_code == 400


async def test_invalid_documents_are_not_kept(make_app: MakeApp) -> None:
    """What doesn't validate takes no room."""
    async with calling(make_app()) as client:
        await client.post("/graphql", json=by_hash("{ nothing }", query="{ nothing }"))
        again = await client.post("/graphql", json=by_hash("{ nothing }"))
        assert again.json()["errors"][0]["message"] == "PersistedQueryNotFound"


def test_the_latest_used_are_kept() -> None:
    """Memory is bounded: the one that was used longest ago goes."""
    documents = PersistedDocuments(size=2)
    sent = {text: Parameters(text, extensions=by_hash(text)["extensions"]) for text in "abc"}
    asked = {text: Parameters(None, extensions=by_hash(text)["extensions"]) for text in "abc"}
    for text in "ab":
        documents.keep(sent[text], text)
    documents.find(asked["a"])
    documents.keep(sent["c"], "c")
    assert (documents.find(asked["a"]), documents.find(asked["c"])) == ("a", "c")
    with pytest.raises(NotPersisted):
        documents.find(asked["b"])


def test_their_bytes_are_bounded() -> None:
    """Long texts make room for each other before there are many, whatever their characters take."""
    documents = PersistedDocuments(size=1_000)
    for number in range(300):
        text = f"# {number} " + "🙂" * 15_000
        documents.keep(Parameters(text, extensions=by_hash(text)["extensions"]), text)
    assert 50 < len(documents._kept) < 300
    assert documents._kept.bytes <= KEPT_BYTES
    assert documents.find(Parameters(None, extensions=by_hash(text)["extensions"])) == text


@pytest.fixture
def registered(tmp_path: Path) -> Path:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({"greet": QUERY, sha256(b"{ a: hello }").hexdigest(): "{ a: hello }", "set": "mutation { set(x: 1) }"}))
    return path


async def test_registered_documents(make_app: MakeApp, registered: Path) -> None:
    """`allow`: an id runs its document; other documents run too."""
    async with calling(make_app(trusted_documents=registered)) as client:
        assert (await client.post("/graphql", json={"documentId": "greet"})).json()["data"] == {"hello": "hello you"}
        assert (await client.get("/graphql?documentId=greet")).json()["data"] == {"hello": "hello you"}
        assert (await client.post("/graphql", json=by_hash("{ a: hello }"))).json()["data"] == {"a": "hello you"}
        assert (await client.post("/graphql", json={"query": "{ b: hello }"})).status_code == 200
        assert (await client.post("/graphql", json={"documentId": "greet", "query": QUERY})).status_code == 400


async def test_registered_documents_switched_off(make_app: MakeApp, registered: Path) -> None:
    """`off`: the file is not read, and its ids are unknown."""
    async with calling(make_app(trusted_documents=registered, trusted_documents_mode="off")) as client:
        assert (await client.post("/graphql", json={"documentId": "greet"})).json()["errors"][0]["message"] == "PersistedQueryNotFound"
        assert (await client.post("/graphql", json={"query": QUERY})).json()["data"] == {"hello": "hello you"}


async def test_nothing_but_registered_documents(make_app: MakeApp, registered: Path) -> None:
    """`only`: by id or by the very text; anything else is forbidden, and can't be registered by its hash."""
    async with calling(make_app(trusted_documents=registered, trusted_documents_mode="only")) as client:
        assert (await client.post("/graphql", json={"documentId": "greet"})).status_code == 200
        assert (await client.post("/graphql", json={"query": QUERY})).status_code == 200
        assert (await client.post("/graphql", json={"query": "{ b: hello }"})).status_code == 403
        assert (await client.post("/graphql", json=by_hash("{ b: hello }", query="{ b: hello }"))).status_code == 403


async def test_a_registered_mutation_by_get(make_app: MakeApp, registered: Path) -> None:
    """A mutation never runs by GET, registered or not."""
    async with calling(make_app(trusted_documents=registered)) as client:
        assert (await client.get("/graphql?documentId=set")).status_code == 405


def test_manifests(tmp_path: Path) -> None:
    """Apollo's manifest is read as well; what is no manifest is told."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "1", "body": QUERY}]}))
    assert read_trusted(path) == {"1": QUERY}
    for text in ("[]", "{", '{"a": 5}', '{"operations": [5]}', '{"operations": [{"id": [], "body": "{ a }"}]}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"manifest\.json"):
            read_trusted(path)
    with pytest.raises(ValueError, match="No such file"):
        read_trusted(tmp_path / "absent")


@pytest.mark.parametrize("mode", ["allow", "only"])
async def test_registered_documents_are_known_by_their_hash(make_app: MakeApp, registered: Path, mode: str) -> None:
    """Clients with automatic persisted queries find a registered document at once, whatever its id; `sha256:` may stand before the hash."""
    digest = sha256(QUERY.encode()).hexdigest()
    async with calling(make_app(trusted_documents=registered, trusted_documents_mode=mode)) as client:
        for members in (by_hash(QUERY), {"documentId": digest}, {"documentId": f"sha256:{digest}"}, {"documentId": "greet"}):
            assert (await client.post("/graphql", json=members)).json()["data"] == {"hello": "hello you"}


async def test_a_kept_document_by_its_id(make_app: MakeApp) -> None:
    """An automatic persisted query is known by `documentId` too, with `sha256:` before its hash or without."""
    digest = sha256(QUERY.encode()).hexdigest()
    async with calling(make_app()) as client:
        await client.post("/graphql", json=by_hash(QUERY, query=QUERY))
        for id_ in (digest, f"sha256:{digest}"):
            assert (await client.post("/graphql", json={"documentId": id_})).json()["data"] == {"hello": "hello you"}
