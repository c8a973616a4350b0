"""Conditional and safe writes: ETags, If-Match, If-None-Match, Idempotency-Key."""

import httpx
import pytest

from rest_compat.headers import expected_versions
from rest_compat.serve import entity_tag, record_tag
from tests.rest_compat.conftest import Connect
from tests.rest_compat.fake import FakeGraph

PATH = "/api/opportunities/"


async def create(client: httpx.AsyncClient, graph: FakeGraph) -> tuple[str, str]:
    """A new opportunity's path and tag."""
    made = await client.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A")})
    return f"{PATH}{made.json()['id']}/", made.headers["etag"]


async def test_the_tag_tells_version_and_body(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """It begins with the version, changes with any change of the body (names of others in it, too), and stays without one."""
    url, tag = await create(client, graph)
    assert tag.startswith('"1-')
    assert (await client.patch(url, json={})).headers["etag"] == tag
    assert (await client.patch(url, json={"value": 5})).headers["etag"].startswith('"2-')
    before = (await client.get(url)).headers["etag"]
    graph.rows[(await client.get(url)).json()["accountId"]]["name"] = "B"
    after = (await client.get(url)).headers["etag"]
    assert after != before
    assert after.startswith('"2-')


async def test_unchanged_records_are_not_sent_again(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`If-None-Match` with the tag (weak, in a list, with what proxies add to it, or `*`) is 304 without a body; with another it is 200."""
    url, tag = await create(client, graph)
    added = [f'{tag[:-1]}{suffix}"' for suffix in ("-gzip", ";gzip", "--gzip", ".br", ":deflate")]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*", *added, f"W/{added[0]}", f'"x"  ,\tW/{tag},', f'"x",{tag},"y"'):
        answer = await client.get(url, headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert answer.headers["x-graphql-operation"] == "GetOpportunity"
    for other in ('"1-0"', '"x"', tag.strip('"'), "", f'{tag[:-1]}0"', f'{tag[:-1]}-gzip-br/x"', '"*"', f'{tag[:-2]}"'):
        assert (await client.get(url, headers={"if-none-match": other})).status_code == 200


async def test_if_match(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """PATCH and DELETE with another version's tag or one that isn't ours are 412; with the right one or `*` they go through.

    Weakness, and what proxies add to the tags of answers that they compress, don't count.
    """
    url, tag = await create(client, graph)
    for wrong in ('"9-x"', '"x"', "", '"99999999999999-x"', "1", '"*"', '"x,*,y"', "x*", '"11-x"', f'"x{tag[1:]}'):
        for method in ("PATCH", "DELETE"):
            refused = await client.request(method, url, json={"value": 1}, headers={"if-match": wrong})
            assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed"), wrong
            is_tag = wrong in {'"9-x"', '"11-x"'}
            assert ("in its quotes" in refused.json()["detail"]) is not is_tag, wrong
    current = (await client.get(url)).headers["etag"]
    added = [f'{current[:-1]}{suffix}"' for suffix in ("-gzip", ";gzip", "--gzip", "-br")]
    others = [f'"0-x", {current}', f'{current}, "9-x"', f'"9-x",W/{current} ,\t"x"', "*-gzip", "*;gzip", f'"x", *, {tag}']
    for right in (tag, "*", f"W/{current}", *added, *others):
        answer = await client.patch(url, json={}, headers={"if-match": right})
        assert answer.status_code == 200, right
    assert (await client.delete(url, headers={"if-match": tag})).status_code == 204


async def test_writes_may_have_to_be_conditional(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """With the setting, PATCH and DELETE without `If-Match` are 428, and nothing is executed."""
    url, tag = await create(client, graph)
    graph.require_if_match = True
    asked = len(graph.asked)
    for method in ("PATCH", "DELETE"):
        assert (await client.request(method, url, json={})).status_code == 428
    assert len(graph.asked) == asked
    assert (await client.patch(url, json={}, headers={"if-match": tag})).status_code == 200


async def test_unchanged_lists_run_no_query(client: httpx.AsyncClient, connect: Connect, graph: FakeGraph) -> None:
    """While the workspace's revision stands, a list with its tag is 304 without a query; after any change, or for others, it is sent."""
    await create(client, graph)
    first = await client.get(f"{PATH}?limit=5")
    tag = first.headers["etag"]
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private", "Authorization, Accept")
    asked = len(graph.asked)
    again = await client.get(f"{PATH}?limit=5", headers={"if-none-match": tag})
    assert (again.status_code, again.headers["etag"], len(graph.asked)) == (304, tag, asked)
    assert (await client.get(f"{PATH}?limit=6", headers={"if-none-match": tag})).status_code == 200
    async with connect(caller="viewer") as viewer:
        assert (await viewer.get(f"{PATH}?limit=5", headers={"if-none-match": tag})).status_code == 200
    assert (await client.get(f"{PATH}?limit=five", headers={"if-none-match": "*"})).status_code == 400
    graph.add("User", name="Somebody")
    assert (await client.get(f"{PATH}?limit=5", headers={"if-none-match": tag})).status_code == 200


async def test_idempotency_keys(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """The key, bare or quoted, becomes the mutation's argument; a replay says so; the same key with another body is 422."""
    body = {"name": "N", "accountId": graph.add("Account", name="A")}
    first = await client.post(PATH, json=body, headers={"idempotency-key": "k 1"})
    assert graph.asked[-1][1]["idempotencyKey"] == "k 1"
    assert "idempotency-replayed" not in first.headers
    again = await client.post(PATH, json=body, headers={"idempotency-key": '"k 1"'})
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")
    other = await client.post(PATH, json=body | {"value": 1}, headers={"idempotency-key": "k 1"})
    assert (other.status_code, other.json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "é", "a\tb"])
async def test_bad_idempotency_keys(client: httpx.AsyncClient, graph: FakeGraph, key: str) -> None:
    """Anything but 1 to 255 printable characters is 400, and nothing is executed."""
    answer = await client.post(PATH, json={"name": "N", "accountId": "acc_1"}, headers={b"idempotency-key": key.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert graph.asked == []


@pytest.mark.parametrize(
    ("if_match", "epoch", "versions"),
    [
        ('"5-0a1b2c3d4e5f6071"', 0, [5]),
        ('"5-0a1b2c3d4e5f6071"', 1_795_736_303_607, [0]),
        ('"5.1795736303607-0a1b2c3d4e5f6071"', 1_795_736_303_607, [5]),
        ('W/"5.1795736303607-0a1b2c3d4e5f6071-gzip"', 1_795_736_303_607, [5]),
        ('"5.1795736303607-0a1b2c3d4e5f6071"', 0, [0]),
        ('"5.1-0a1b2c3d4e5f6071", "6-0a1b2c3d4e5f6071"', 1, [5]),
        ('"5"', 1_795_736_303_607, [5]),
        ("*", 1, []),
    ],
)
def test_a_tag_belongs_to_its_epoch(if_match: str, epoch: int, versions: list[int]) -> None:
    """A record's tag from before a restore matches nothing; a bare version means the record as it is."""
    assert expected_versions(if_match, epoch) == versions


def test_a_tag_tells_its_epoch() -> None:
    """It is read as it was written; without a restore it is as it always was."""
    for epoch in (0, 1, 1_795_736_303_607):
        tag = record_tag(5, epoch, b"{}")
        assert expected_versions(tag, epoch) == [5]
        assert expected_versions(tag, epoch + 1) == [0]
    assert record_tag(5, 0, b"{}") == entity_tag(5, b"{}")
