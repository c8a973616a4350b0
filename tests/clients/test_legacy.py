"""REST as curl and Python's clients send it: arrays, other methods, bodies and conditions, through a socket."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.live_server import Demo

PATH = "/api/opportunities/"
STAGES = ["proposal", "negotiation"]


def curl(demo: Demo, target: str, *options: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of what curl was answered."""
    assert shutil.which("curl"), "curl is what this client is made of"
    url = target if target.startswith("http") else demo.url + target
    command = ["curl", "-sS", "-i", "-g", "-H", f"Authorization: Bearer {demo.token}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    head, _, body = done.stdout.replace("\r", "").partition("\n\n")
    first, *lines = head.splitlines()
    return int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


@pytest.mark.parametrize(
    "query",
    [
        "stage[]=proposal&stage[]=negotiation",
        "stage%5B%5D=proposal&stage%5B%5D=negotiation",
        "stage[0]=proposal&stage[1]=negotiation",
        "stage%5B0%5D=proposal&stage%5B1%5D=negotiation",
        "stage=proposal&stage=negotiation",
        "stage[]=proposal&stage=negotiation",
        "stage[]=&stage=proposal,negotiation",
        urlencode({"stage": STAGES}, doseq=True),
    ],
)
def test_arrays(demo: Demo, query: str) -> None:
    """All forms of an array say what the comma says."""
    status, _, body = curl(demo, f"{PATH}?limit=100&{query}")
    _, _, wanted = curl(demo, f"{PATH}?limit=100&stage=proposal,negotiation")
    assert status == 200, body
    assert json.loads(body)["count"] == json.loads(wanted)["count"] > 0
    assert json.loads(body)["results"] == json.loads(wanted)["results"]


def test_names_and_pages(demo: Demo) -> None:
    """A near miss is 400 and says what is meant; what is ignored is named; `next` is followed as it stands."""
    status, _, body = curl(demo, f"{PATH}?Stage=proposal")
    assert (status, "did you mean stage?" in body) == (400, True)
    status, headers, body = curl(demo, f"{PATH}?sort=name&limit=1000&assignedTo=")
    assert (status, headers["x-ignored-parameters"]) == (200, "sort, assignedTo")
    page = json.loads(body)
    assert "limit=100&" in page["next"]
    following = json.loads(curl(demo, page["next"])[2])
    assert following["results"]
    assert not {row["id"] for row in page["results"]} & {row["id"] for row in following["results"]}
    assert [row["id"] for row in json.loads(curl(demo, following["previous"])[2])["results"]] == [row["id"] for row in page["results"]]


def test_methods_bodies_and_tags(demo: Demo, tmp_path: Path) -> None:
    """POST in place of PATCH and DELETE, a byte-order mark, nulls that are ignored, tags as proxies leave them."""
    account = json.loads(curl(demo, f"{PATH}?limit=1")[2])["results"][0]["accountId"]
    body = tmp_path / "body.json"
    body.write_bytes(b"\xef\xbb\xbf" + json.dumps({"name": "By curl", "accountId": account, "source": "S"}).encode())
    sent = ("-H", "Content-Type: application/json")
    status, headers, made = curl(demo, PATH, "--data-binary", f"@{body}", *sent)
    assert status == 201, made
    url = headers["location"]
    override = ("-X", "POST", "-H", "X-HTTP-Method-Override: PATCH", *sent)
    status, headers, changed = curl(demo, url, *override, "-H", "Prefer: null=ignore", "-d", '{"value": 7, "source": null}')
    assert (status, json.loads(changed)["value"], json.loads(changed)["source"]) == (200, 7, "S")
    assert headers["preference-applied"] == "null=ignore"
    tag = headers["etag"]
    assert curl(demo, url, "-H", f'If-None-Match: {tag[:-1]}-gzip"')[0] == 304
    weak = f'If-Match: "9-0123456789abcdef",  W/{tag[:-1]};gzip"'
    assert curl(demo, url, *override, "-H", weak, "-d", '{"value": 8}')[0] == 200
    assert curl(demo, url, *override, "-H", weak, "-d", '{"value": 9}')[0] == 412
    nul = curl(demo, url, "-X", "PATCH", *sent, "-d", r'{"name": "a\u0000b"}')
    assert (nul[0], json.loads(nul[2])["errors"][0]["field"]) == (422, "name")
    assert curl(demo, PATH, *override, "-d", '{"name": "x"}')[0] == 405
    assert curl(demo, url, "-X", "POST", "-H", "X-HTTP-Method-Override: delete")[0] == 204
    assert curl(demo, url)[0] == 404


def test_query(demo: Demo) -> None:
    """QUERY on the list and on GraphQL (RFC 10008): a read with its question in the body."""
    sent = ("-X", "QUERY", "-H", "Content-Type: application/json", "-d")
    status, headers, body = curl(demo, PATH, *sent, json.dumps({"stage": STAGES, "limit": 2}))
    assert (status, headers["accept-query"]) == (200, "application/json")
    assert json.loads(body)["count"] == json.loads(curl(demo, f"{PATH}?stage=proposal,negotiation")[2])["count"]
    assert curl(demo, json.loads(body)["next"])[0] == 200
    status, _, body = curl(demo, "/graphql", *sent, '{"query": "{ viewer { role } }"}')
    assert (status, json.loads(body)["data"]) == (200, {"viewer": {"role": "ADMIN"}})
    status, headers, _ = curl(demo, "/graphql", *sent, '{"query": "mutation { deleteOpportunity(id: \\"x\\") { deletedId } }"}')
    assert (status, headers["allow"]) == (405, "POST")


def test_python(demo: Demo) -> None:
    """Httpx and requests repeat a parameter for each of a list's values; 250 of them are as many as a list may have."""
    with httpx.Client(base_url=demo.url, headers={"authorization": f"Bearer {demo.token}"}) as client:
        wanted = client.get(PATH, params={"stage": ",".join(STAGES)}).json()
        assert client.get(PATH, params={"stage": STAGES}).json()["results"] == wanted["results"]
        accounts = [row["accountId"] for row in wanted["results"]]
        most = client.get(PATH, params={"accountId": [*accounts, *(f"acc_{place}" for place in range(250 - len(accounts)))]})
        assert most.json()["count"] >= len(wanted["results"])
        refused = client.get(PATH, params={"accountId": [f"acc_{place}" for place in range(300)]})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "accountId")
