"""Recorded traffic: read in every form that it comes in, sorted, written as a folder, compared with what is answered now."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema, parse, validate

from rest_compat import RESOURCES, Translator
from rest_compat.tools.recordings import (
    Recording,
    RecordingError,
    differences,
    read_recording,
    recorded_differences,
    sort_calls,
    write_folder,
)
from tests.rest_compat.fake import Answer, FakeGraph

LINE = '127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "{} HTTP/1.1" {} 2326 "-" "curl"\n'
HOST = "https://crm.example.com"


def log(*calls: str) -> bytes:
    return "".join(LINE.format(call, 200) for call in calls).encode()


def entry(method: str, url: str, **more: Any) -> dict[str, Any]:
    answer = more.pop("answer", None)
    response = {"response": {"status": 200, "content": {"text": answer}}} if answer is not None else {}
    return {"request": {"method": method, "url": url, "headers": [], **more}, **response}


def har(*entries: dict[str, Any]) -> bytes:
    return orjson.dumps({"log": {"entries": entries}})


@pytest.fixture
def sort(graph: FakeGraph, tmp_path: Path) -> Callable[..., Recording]:
    """What becomes of a recording with these bytes."""

    def sorted_(data: bytes, **more: Any) -> Recording:
        path = tmp_path / "recording"
        path.write_bytes(data)
        return sort_calls(Translator(graph, RESOURCES), read_recording(path), **more)

    return sorted_


Sort = Callable[..., Recording]


def test_a_long_log_of_few_sorts(sort: Sort, tmp_path: Path) -> None:
    """4,000 calls of 10 sorts become 10 operations, however their values differ; each tells its calls, which vary, and an example."""
    sorts: Sequence[Callable[[int], str]] = [
        lambda n: f"/api/opportunities/?page={n + 1}",
        lambda n: f"/api/opportunities/?stage={('proposal', 'negotiation', 'proposal,negotiation')[n % 3]}&limit={n % 50 + 1}",
        lambda n: f"/api/opportunities/?accountId=acc_{n}",
        lambda n: f"/api/opportunities/?valueMin={n}&stage=proposal",
        lambda n: f"/api/opportunities/?search=deal%20{n}",
        lambda n: f"/api/opportunities/opp_{n}/",
        lambda n: f"/api/opportunities?fields=id&offset={n}",
        lambda n: f"/api/accounts/?search={n}",
        lambda n: f"/api/accounts/acc_{n}/",
        lambda n: f"/api/contacts/?limit={n + 1}",
    ]
    recording = sort(log(*(f"GET {sorts[n % 10](n // 10)}" for n in range(4000))))
    assert [one.times for one in recording.sorts] == [400] * 10
    assert (recording.covered, recording.calls, recording.share) == (4000, 4000, 100.0)
    names = [one.name for one in recording.sorts]
    assert names[:4] == [
        "ListOpportunities",
        "ListOpportunitiesByStage",
        "ListOpportunitiesByAccountId",
        "ListOpportunitiesByStageAndValueMin",
    ]
    assert len({*names}) == 10
    assert [(len(one.asked), one.unasked) for one in recording.sorts[2:4]] == [(50, 350)] * 2
    assert recording.sorts[3].varying == ["filter.value.gte"]
    assert recording.sorts[3].values["filter.stage"] == {'"PROPOSAL"': 400}
    assert len(recording.sorts[3].values["filter.value.gte"]) == 11
    written = write_folder(tmp_path / "out", recording, "type Query { a: Int }")
    assert sorted(path.name for path in (tmp_path / "out" / "operations").iterdir()) == sorted(f"{name}.graphql" for name in names)
    assert len(written) == 16


def test_the_folder(sort: Sort, graph: FakeGraph, tmp_path: Path) -> None:
    """Each file is a valid operation of its own name under comments; index, README and both manifests hold the same ones."""
    recording = sort(
        har(
            entry("GET", f"{HOST}/api/opportunities/?stage=proposal&page_size=5"),
            entry("GET", f"{HOST}/api/opportunities/?stage=won"),
            entry("GET", f"{HOST}/api/leads/ld_01HX5T3Q9Z8Y7W6V5T4S3R2Q1P/"),
            entry("GET", f"{HOST}/api/leads/ld_01HX5T3Q9Z8Y7W6V5T4S3R2Q1Q/"),
        )
    )
    folder = tmp_path / "out"
    (folder / "operations").mkdir(parents=True)
    (folder / "operations" / "Stale.graphql").touch()
    write_folder(folder, recording, "")
    (file,) = (folder / "operations").iterdir()
    text = file.read_text("utf-8")
    assert text.startswith("# 1 call, such as: GET /api/opportunities/?stage=proposal&page_size=5\n# Variables: {")
    assert "# Ignored by the gateway: page_size." in text
    assert is_valid(text, graph.schema)
    assert "query ListOpportunitiesByStage(" in text
    index = orjson.loads((folder / "index.json").read_bytes())
    assert (index["host"], index["calls"], index["covered"], index["sharePercent"]) == ("crm.example.com", 2, 1, 50.0)
    assert index["otherPaths"] == {"/api/leads/{id}/": 2}
    assert "won" in index["notCovered"][0]["reason"]
    apollo = orjson.loads((folder / "persisted-query-manifest.json").read_bytes())
    assert (apollo["format"], apollo["version"]) == ("apollo-persisted-query-manifest", 1)
    (operation,) = apollo["operations"]
    assert (operation["name"], operation["type"]) == ("ListOpportunitiesByStage", "query")
    assert orjson.loads((folder / "trusted-documents.json").read_bytes()) == {operation["id"]: operation["body"]}
    assert "#" not in operation["body"]
    readme = (folder / "README.md").read_text("utf-8")
    for said in ("1 of 2 calls to this API (50.0 %)", "## Not covered, and why", "`page_size` | 1", "`/api/leads/{id}/` | 2"):
        assert said in readme


def is_valid(text: str, schema: GraphQLSchema) -> bool:
    return not validate(schema, parse(text))


@pytest.mark.parametrize("hostile", ["%0A%7D", "%22%0A", "%60%7C%0D", "%E2%80%A8", "%00"])
def test_what_clients_send_stays_a_comment(sort: Sort, graph: FakeGraph, tmp_path: Path, hostile: str) -> None:
    """Line ends, quotes and marks in recorded values end neither a comment of an operation nor a cell of the README."""
    recording = sort(log(f"GET /api/accounts/?search=a{hostile}b&x{hostile}=1", "GET /api/accounts/"))
    write_folder(tmp_path / "out", recording, "")
    assert all(is_valid(path.read_text("utf-8"), graph.schema) for path in (tmp_path / "out" / "operations").iterdir())
    rows = [line for line in (tmp_path / "out" / "README.md").read_text("utf-8").split("\n") if line.startswith("|")]
    assert all(row.endswith("|") for row in rows)


def test_other_hosts_are_left_out(sort: Sort) -> None:
    """A HAR is of the host that has the most calls to these paths, or of the one that is said; the others' calls are counted."""
    data = har(
        entry("GET", "https://statistics.example.net/collect"),
        entry("GET", "https://statistics.example.net/collect"),
        entry("GET", "https://statistics.example.net/collect"),
        entry("GET", "https://crm.example.com/api/accounts/"),
        entry("GET", "https://CRM.example.com/api/accounts/?limit=1"),
        entry("GET", "https://other.example.com/api/accounts/"),
    )
    recording = sort(data)
    assert (recording.host, recording.covered) == ("crm.example.com", 2)
    assert recording.hosts == {"statistics.example.net": 3, "other.example.com": 1}
    assert sort(data, host="other.example.com").covered == 1


def test_a_prefix(sort: Sort) -> None:
    """What a proxy puts before the paths is found, or said."""
    data = har(entry("GET", f"{HOST}/crm/v1/api/accounts/?limit=1"), entry("GET", f"{HOST}/crm/v1/api/opportunities/opp_1"))
    assert (sort(data).prefix, sort(data).covered) == ("/crm/v1", 2)
    assert sort(data, prefix="/crm/v1/").covered == 2
    assert sort(data, prefix="").elsewhere == {"/crm/v1/api/accounts/": 1, "/crm/v1/api/opportunities/opp_1": 1}


PACKED: Sequence[Callable[[bytes], bytes]] = [
    bytes,
    lambda data: b"\xef\xbb\xbf" + data,
    gzip.compress,
    lambda data: data.decode().encode("utf-16"),
]
WRITTEN = [
    har(entry("GET", f"{HOST}/api/accounts/?search=caf%C3%A9")),
    log(r"GET /api/accounts/?search=caf\xC3\xA9"),
    log("GET /api/accounts/?search=café"),
    b'haproxy[1]: 10.0.0.1:5 [27/Nov/2026:03:00:00] f b/g 0/0/1/2/3 200 9 - - ---- 0/0 "GET /api/accounts/?search=caf%C3%A9 HTTP/1.1"\n',
    b'https 2026-11-27T22:23:00Z app/lb 10.0.0.2:5 0.1 200 200 0 9 "GET https://h:443/api/accounts/?search=caf%C3%A9 HTTP/1.1" "curl"\n',
]


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("data", WRITTEN)
def test_forms_of_files(sort: Sort, pack: Callable[[bytes], bytes], data: bytes) -> None:
    """Byte-order marks, gzip and nginx's escapes are read."""
    (one,) = sort(pack(data)).sorts
    assert one.call.variables["search"] == "café"


@pytest.mark.parametrize(
    "line",
    [
        {"level": "info", "request": {"method": "GET", "host": "crm.example.com", "uri": "/api/accounts/?search=x"}, "status": 200},
        {"request_method": "GET", "host": "crm.example.com", "request_uri": "/api/accounts/?search=x", "status": "200"},
        {"method": "GET", "url": "https://crm.example.com/api/accounts/?search=x"},
        {"request": "GET https://crm.example.com/api/accounts/?search=x HTTP/1.1", "status": 200},
        {"RequestMethod": "GET", "RequestHost": "crm.example.com", "RequestPath": "/api/accounts/?search=x", "DownstreamStatus": 200},
        {"authority": "crm.example.com", "method": "GET", "path": "/api/accounts/?search=x", "response_code": 200},
        {"httpRequest": {"requestMethod": "GET", "requestUrl": "https://crm.example.com/api/accounts/?search=x", "status": 200}},
        {"method": "GET", "host": "crm.example.com", "uri": "/api/accounts/", "args": "search=x", "status": "200"},
        {"method": "GET", "host": "crm.example.com", "path": "/api/accounts/", "query_string": "?search=x"},
    ],
)
def test_logs_in_json(sort: Sort, line: dict[str, Any]) -> None:
    """A JSON object a line, as proxies and clouds write it; other lines between them count for nothing."""
    recording = sort(orjson.dumps(line) + b"\n{}\n{\nstarted\n" + orjson.dumps(line) + b"\n")
    (one,) = recording.sorts
    assert (one.times, one.call.variables["search"], recording.host) == (2, "x", "crm.example.com")


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        ("/api/accounts/?search=https://example.com/a", 1),
        ("//[", 0),
        ("http://[::1/api/accounts/", 1),
        ("*", 0),
        ("/", 0),
        ("%ff%00", 0),
        ("/api/accounts/?search=%ff", 0),
        ("https://crm.example.com?x=1/2", 0),
    ],
)
def test_targets_of_all_kinds(sort: Sort, target: str, covered: int) -> None:
    """What strangers send to a server stands in its log: it is read for what it is, and stops nobody."""
    assert sort(log(f"GET {target}")).covered == covered
    assert sort(har(entry("GET", target))).covered == covered


def test_forms_are_read(sort: Sort) -> None:
    """A form's fields are a body, which is refused for being none of JSON, and not for being absent."""
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "name", "value": "N"}]}
    (one,) = sort(har(entry("POST", f"{HOST}/api/accounts/", postData=form))).refused
    assert one.reason == "The body must be application/json in UTF-8."
    (other,) = sort(log("POST /api/accounts/")).refused
    assert "The recording has no body" in other.reason


def test_writes(sort: Sort, tmp_path: Path, graph: FakeGraph) -> None:
    """Bodies and headers are translated; versions and keys of then are variables to fill, which is said, and no value of theirs is kept."""
    body = {"mimeType": "application/json", "text": '{"name": "N — 1", "stage": "proposal"}'}
    headers = [{"name": "If-Match", "value": 'W/"17-abc"'}, {"name": "Idempotency-Key", "value": "secret-1"}]
    recording = sort(har(entry("PATCH", f"{HOST}/api/opportunities/opp_1/", postData=body, headers=headers)))
    (one,) = recording.sorts
    assert one.name == "UpdateOpportunityWithExpectedVersionAndIdempotencyKey"
    assert one.to_fill == ["expectedVersion", "idempotencyKey"]
    assert one.example == {"id": "opp_1", "input": {"name": "N — 1", "stage": "PROPOSAL"}}
    write_folder(tmp_path / "out", recording, "")
    text = (tmp_path / "out" / "operations" / f"{one.name}.graphql").read_text("utf-8")
    assert "# $expectedVersion is to be filled: the `version` of the record as it was read" in text
    assert is_valid(text, graph.schema)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"secret-1" in path.read_bytes()]


def test_refused_calls_are_sorted_too(sort: Sort) -> None:
    """A thousand calls with the same fault are one line, with the first of them."""
    calls = [f"GET /api/opportunities/?page=x{n}" for n in range(1000)]
    recording = sort(log(*calls, "DELETE /api/opportunities/", "OPTIONS /api/accounts/", "PATCH /api/opportunities/opp_1/"))
    assert [(one.times, one.target) for one in recording.refused[:2]] == [(1000, "/api/opportunities/?page=x0"), (1, "/api/opportunities/")]
    assert "DELETE is not allowed here" in recording.refused[1].reason
    assert "has no body" in recording.refused[2].reason
    assert recording.share == 0.0


NO_CALLS = [b"{", b'{"log": 5}', b"", b"words\n", b'{"log": {"entries": []}}', b'{"log": {"entries": [5]}}', b"\x1f\x8bx"]
#: A gzip file of which the middle was damaged on its way.
NO_CALLS.append(gzip.compress(b"words" * 99, mtime=0)[:10] + b"\xff" * 30)


@pytest.mark.parametrize("content", NO_CALLS)
def test_other_files(tmp_path: Path, content: bytes) -> None:
    """What is neither a HAR file nor a log is said to be so, and which of several files it is."""
    path = tmp_path / "recorded.har"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"^recorded\.har[: ]"):
        read_recording(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{}", "recorded.har is no HAR file: it has no list `entries` in `log`"),
        (b'{"log": {"entries": 5}}', "recorded.har is no HAR file: it has no list `entries` in `log`"),
        (b'{"log": ', "recorded.har is no HAR file: it is no JSON (unexpected end of data: line 1 column 9 (char 8))"),
        (
            b'{"log": {"entries": [{"request": {"method": "GET", "url": "/"}}, {"request": null}]}}',
            "recorded.har: entry 2 of 2 is not as HAR",
        ),
        (b'{"log": {"entries": [{"request": {"method": 5, "url": "/"}}]}}', "recorded.har: entry 1 of 1 is not as HAR"),
    ],
)
def test_what_is_wrong_with_a_har_file(tmp_path: Path, content: bytes, says: str) -> None:
    """It is told in plain words, with the number of the entry at fault."""
    path = tmp_path / "recorded.har"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as refused:
        read_recording(path)
    assert str(refused.value).startswith(says)


def test_differences(sort: Sort) -> None:
    """The two doors' answers to one read are compared value by value, in REST's shape."""
    call = sort(log("GET /api/opportunities/?fields=id,accountName")).sorts[0].call
    answer = Answer({"opportunities": {"totalCount": 1, "nodes": [{"id": "opp_1", "account": {"name": "A"}}]}})
    same = {"count": 1, "next": None, "previous": None, "results": [{"id": "opp_1", "accountName": "A"}]}
    assert differences(call, 200, orjson.dumps(same), answer) == []
    other = same | {"results": [{"id": "opp_1", "accountName": "B"}]}
    assert differences(call, 200, orjson.dumps(other), answer) == ["results[0].accountName: REST has 'B', GraphQL 'A'"]
    assert differences(call, 404, b"", answer) == ["REST refuses with 404 what GraphQL answers"]
    assert differences(call, 403, b"", Answer(None, [{"message": "no"}])) == []


@pytest.mark.parametrize(
    ("then", "now", "form", "values"),
    [
        ({"a": 1}, {"a": 1.0}, 0, 0),
        ({"a": 1}, {"a": 2.5}, 0, 1),
        ({"a": 1}, {"a": "1"}, 1, 0),
        ({"a": True}, {"a": 1}, 0, 0),
        ({"a": False}, {"a": 3}, 1, 0),
        ({"a": None}, {"a": "x"}, 0, 1),
        ({"a": 1}, {}, 1, 0),
        ({}, {"a": 1}, 1, 0),
        ({"results": [{"a": 1}, {"a": 2}]}, {"results": [{"b": 1}]}, 2, 1),
    ],
)
def test_recorded_answers(then: Any, now: Any, form: int, values: int) -> None:
    """Keys and types that changed break clients; values change with time. Null says nothing of a type."""
    found = recorded_differences(orjson.dumps(then), orjson.dumps(now))
    assert [len(part) for part in found] == [form, values]
