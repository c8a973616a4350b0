"""docs/leaving-rest.md as a new user goes through it: every command is run as it stands there, one after the other, beside a demo."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from tests.live_server import ROOT, Demo, require, serve_demo

PAGE = (ROOT / "docs" / "leaving-rest.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh( npm)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PACKAGES = ROOT / "tests" / "clients" / "node_modules"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("leaving")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    with serve_demo(folder) as running:
        yield running


def run(command: str, folder: Path, demo: Demo) -> str:
    """What a block printed, on either way."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "URL": demo.url, "TOKEN": demo.token, "NO_COLOR": "1"}
    bash = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(bash, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def seen(folder: Path, demo: Demo) -> str:
    """What all commands say, one after the other; `leaving` is then in the folder."""
    return "\n".join(run(command, folder, demo) for npm, command in BLOCKS if not npm)


def test_the_whole_way(seen: str) -> None:
    """Watch, record, translate, verify, deprecate, sunset: each command ends well, and says what the page says of it."""
    for expected in (
        "x-graphql-operation: ListOpportunities",
        "x-ignored-parameters: page_size",
        '"ignored":["page_size"]',
        "Ignored: page_size\n",
        "mutation UpdateOpportunity(",
        "Wrote 2 operations into leaving, for 3 of 5 calls (60.0 %)",
        "Not covered: 1 × POST /api/opportunities/: The recording has no body for it",
        "1 call to 1 other path left out: /api/leads/{id}/ × 1",
        "# REST calls as GraphQL operations",
        'filter.stage varies: "PROPOSAL" (× 1), "NEGOTIATION" (× 1)',
        "Compared 3 reads: 0 differ.",
        "Deprecated: the parameter search, since 2026-12-01, until 2027-06-30",
        "Deprecated: the key source, which whole objects have, since 2026-12-01",
        "source: String @deprecated",
        "Deprecated: all of REST, since 2026-12-01, until 2027-06-30",
    ):
        assert expected in seen, f"{expected}\n\n{seen}"


def test_the_typed_client(seen: str, folder: Path, demo: Demo) -> None:
    """Graphql-codegen makes typed documents of the folder. The packages are those of the tests: only their installation is left out."""
    if not shutil.which("npm"):
        pytest.skip("not installed: npm")
    require(PACKAGES, "npm --prefix tests/clients ci")
    ((_, command),) = [block for block in BLOCKS if block[0]]
    (folder / "leaving" / "node_modules").symlink_to(PACKAGES)
    run(re.sub(r"^npm install .*\n", "", command, flags=re.MULTILINE), folder, demo)
    written = (folder / "leaving" / "generated" / "graphql.ts").read_text("utf-8")
    assert "export type ListOpportunitiesByStageQueryVariables" in written
    assert "ListAccountsBySearchDocument" in written


@pytest.mark.parametrize("manifest", ["persisted-query-manifest.json", "trusted-documents.json"])
def test_the_trusted_documents(seen: str, folder: Path, tmp_path: Path, manifest: str) -> None:
    """A gateway that runs registered operations only takes each manifest, and runs its operations by their ids and nothing else."""
    operations = orjson.loads((folder / "leaving" / "index.json").read_bytes())["operations"]
    settings = {"trusted_documents": str(folder / "leaving" / manifest), "trusted_documents_mode": "only"}
    with serve_demo(tmp_path, **settings) as only, httpx.Client(base_url=only.url) as client:
        client.headers["authorization"] = f"Bearer {only.token}"
        for one in operations:
            body = {"documentId": one["id"], "variables": one["example"]["variables"]}
            answer = client.post("/graphql", json=body).json()
            assert "errors" not in answer, one["name"]
        assert "errors" in client.post("/graphql", json={"query": "{ __typename }"}).json()


def test_the_page_names_each_setting() -> None:
    """Whoever looks for a setting of leaving REST finds it there."""
    for name in ("GATEWAY_REST_SUNSET", "GATEWAY_REST_DEPRECATED", "GATEWAY_REST_SUNSET_LINK", "GATEWAY_REST_DEPRECATIONS"):
        assert name in PAGE


def recorded(demo: Demo, changed: dict[str, str]) -> bytes:
    """A HAR file of a browser: two reads with their answers, in which words are changed, a write, and calls to others."""
    entries = [{"request": {"method": "GET", "url": "https://statistics.example.net/collect", "headers": []}}]
    with httpx.Client(base_url=demo.url, headers={"authorization": f"Bearer {demo.token}"}) as client:
        for path in ("/api/opportunities/?stage=proposal&limit=3", "/api/accounts/?limit=2"):
            text = client.get(path).text
            for word, other in changed.items():
                text = text.replace(word, other)
            request = {"method": "GET", "url": f"https://old.example.com/crm{path}", "headers": []}
            entries.append({"request": request, "response": {"status": 200, "content": {"text": text}}})
    body = {"mimeType": "application/json", "text": '{"name": "New name"}'}
    headers = [{"name": "If-Match", "value": '"abc"'}]
    patch = {"method": "PATCH", "url": "https://old.example.com/crm/api/opportunities/opp_1/", "headers": headers, "postData": body}
    return orjson.dumps({"log": {"entries": [*entries, {"request": patch}]}})


@pytest.mark.parametrize(
    ("changed", "status", "told"),
    [
        ({}, 0, "0 differ in keys or types, 0 in values"),
        ({'"proposal"': '"negotiation"'}, 0, "0 differ in keys or types, 1 in values"),
        ({'"probability"': '"chance"'}, 1, "1 differ in keys or types, 0 in values"),
    ],
)
def test_recorded_answers_are_compared(folder: Path, demo: Demo, changed: dict[str, str], status: int, told: str) -> None:
    """What was answered then is compared with today's answers: other keys are an error, other values are counted; writes aren't sent."""
    (folder / "old.har").write_bytes(recorded(demo, changed))
    command = [
        sys.executable,
        "-m",
        "gateway",
        "translate",
        "--har",
        "old.har",
        "--out",
        "har",
        "--verify",
        demo.url,
        "--token",
        demo.token,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    for expected in (
        "Host and prefix: old.example.com/crm",
        "1 call to 1 other host left out: statistics.example.net × 1",
        "UpdateOpportunityWithExpectedVersion: fill in expectedVersion",
        "Compared 2 reads: 0 differ.",
        f"Compared 2 recorded answers with those of now: {told}.",
    ):
        assert expected in done.stderr, done.stderr
    assert ("recorded answer: results[0].chance: was there when it was recorded" in done.stdout) == bool(status)
