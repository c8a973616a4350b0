"""Recorded traffic: read, translated once a kind, written as a folder, compared with what GraphQL answers."""

from pathlib import Path

import orjson
import pytest

from rest_compat import RESOURCES, Translator
from rest_compat.traffic import TrafficError, differences, read_traffic, translate_all, write_folder
from tests.rest_compat.fake import Answer, FakeGraph

LOG = """127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "GET /api/opportunities/?stage=proposal HTTP/1.1" 200 2326 "-" "curl"
127.0.0.1 - - [10/Oct/2025:13:55:37 +0000] "GET /api/opportunities?stage=proposal&page=1 HTTP/1.1" 200 2326 "-" "curl"
127.0.0.1 - - [10/Oct/2025:13:55:38 +0000] "GET /api/opportunities/?fields=id HTTP/1.1" 200 2326 "-" "curl"
127.0.0.1 - - [10/Oct/2025:13:55:39 +0000] "GET /favicon.ico HTTP/1.1" 404 0 "-" "curl"
127.0.0.1 - - [10/Oct/2025:13:55:40 +0000] "POST /api/opportunities/ HTTP/1.1" 201 0 "-" "curl"
nonsense
127.0.0.1 - - [10/Oct/2025:13:55:41 +0000] "GET /api/opportunities/?page=none HTTP/2.0" 400 0 "-" "curl"
"""
HAR = {
    "log": {
        "entries": [
            {"request": {"method": "OPTIONS", "url": "https://crm.example.com/api/accounts/", "headers": []}},
            {"request": {"method": "GET", "url": "https://crm.example.com/api/accounts/?search=a%20b", "headers": []}},
            {
                "request": {
                    "method": "POST",
                    "url": "https://crm.example.com/api/opportunities/",
                    "headers": [{"name": "Idempotency-Key", "value": "k"}],
                    "postData": {"mimeType": "application/json", "text": '{"name": "N — 1", "accountId": "acc_1", "stage": "proposal"}'},
                }
            },
        ]
    }
}


def test_an_access_log(graph: FakeGraph, tmp_path: Path) -> None:
    """Each kind of call once, however often it came and however it was written; what can't be translated is told, with the reason."""
    path = tmp_path / "access.log"
    path.write_text(LOG, "utf-8")
    kinds, refused = translate_all(Translator(graph, RESOURCES), read_traffic(path))
    assert [(kind.times, kind.call.variables.get("filter")) for kind in kinds] == [(2, {"stage": {"eq": "PROPOSAL"}}), (1, None)]
    assert [one.target for one in refused] == ["/api/opportunities/", "/api/opportunities/?page=none"]
    assert refused[0].reason == "the recording has no body for it"
    assert "an integer from 1" in refused[1].reason
    written = write_folder(tmp_path / "out", kinds)
    assert [file.name for file in written] == [
        "ListOpportunities.graphql",
        "ListOpportunities.1.json",
        "ListOpportunities-2.graphql",
        "ListOpportunities-2.1.json",
    ]
    assert orjson.loads(written[1].read_bytes()) == kinds[0].call.variables


def test_a_har_file(graph: FakeGraph, tmp_path: Path) -> None:
    """A recording by a browser or proxy has bodies and headers, so writes are translated too."""
    path = tmp_path / "traffic.har"
    path.write_bytes(orjson.dumps(HAR))
    kinds, refused = translate_all(Translator(graph, RESOURCES), read_traffic(path))
    assert refused == []
    assert [kind.call.bound.document.name for kind in kinds] == ["ListAccounts", "CreateOpportunity"]
    assert kinds[0].call.variables["search"] == "a b"
    assert kinds[1].call.variables == {
        "input": {"name": "N — 1", "accountId": "acc_1", "stage": "PROPOSAL"},
        "idempotencyKey": "k",
    }


@pytest.mark.parametrize("content", [b"{", b'{"log": 5}', b"", b"words\n", b'{"log": {"entries": []}}', b'{"log": {"entries": [5]}}'])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    """What is neither a HAR file nor a log is said to be so."""
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(TrafficError):
        read_traffic(path)


def test_differences(graph: FakeGraph, tmp_path: Path) -> None:
    """The two doors' answers to one read are compared value by value, in REST's shape."""
    path = tmp_path / "access.log"
    path.write_text('"GET /api/opportunities/?fields=id,accountName HTTP/1.1" 200 1\n', "utf-8")
    call = translate_all(Translator(graph, RESOURCES), read_traffic(path))[0][0].call
    answer = Answer({"opportunities": {"totalCount": 1, "nodes": [{"id": "opp_1", "account": {"name": "A"}}]}})
    same = {"count": 1, "next": None, "previous": None, "results": [{"id": "opp_1", "accountName": "A"}]}
    assert differences(call, 200, orjson.dumps(same), answer) == []
    other = same | {"results": [{"id": "opp_1", "accountName": "B"}]}
    assert differences(call, 200, orjson.dumps(other), answer) == ["results[0].accountName: REST has 'B', GraphQL 'A'"]
    assert differences(call, 404, b"", answer) == ["REST refuses with 404 what GraphQL answers"]
    assert differences(call, 403, b"", Answer(None, [{"message": "no"}])) == []
