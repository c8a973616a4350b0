"""The scripted legacy client, by curl alone, against the server as a person starts it."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest

from rest_compat.resources.declaration import METHODS
from rest_compat.resources.opportunities import OPPORTUNITIES
from tests.live_server import ROOT, Demo, serve_demo

SCRIPT = Path(__file__).with_name("legacy_client.sh")

OLD = {"since": "2026-01-01", "sunset": "2027-01-01", "link": "https://crm.example.com/leaving"}
#: All that opportunities have in REST.
EVERYTHING = {
    "opportunities": {
        "routes": dict.fromkeys(METHODS, OLD),
        "parameters": {one.name: OLD for one in OPPORTUNITIES.parameters},
        "keys": {one.name: OLD for one in OPPORTUNITIES.keys},
    }
}


def viewer_of(folder: Path) -> str:
    """A viewer's token, made on the command line as an operator does."""
    command = [sys.executable, "-m", "gateway", "token", "create", "--workspace", "Demo", "--role", "viewer"]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def conforms(demo: Demo, viewer: str, header: str) -> None:
    """The client passes, with `header` in each of its calls."""
    assert shutil.which("curl"), "curl is what this client is made of"
    command = ["bash", str(SCRIPT), demo.url, demo.token, viewer, header]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[-4]) > 100


def test_a_client_written_from_the_reference(tmp_path: Path) -> None:
    """Create, list by every filter, follow `next` to the end, win, lose, reopen, delete, and each error of the table; strictly, too."""
    with serve_demo(tmp_path) as demo:
        viewer = viewer_of(tmp_path)
        for header in ("X-Client: legacy", "Prefer: handling=strict"):
            conforms(demo, viewer, header)


def test_the_client_while_it_is_left(tmp_path: Path) -> None:
    """Where everything is deprecated, and others use `fields` and strict mode, it goes on as before, and is told on every call."""
    (tmp_path / "deprecations.json").write_bytes(orjson.dumps(EVERYTHING))
    with serve_demo(tmp_path, rest_deprecations="deprecations.json") as demo:
        viewer = viewer_of(tmp_path)
        with httpx.Client(base_url=f"{demo.url}/api/opportunities/", headers={"authorization": f"Bearer {demo.token}"}) as client:
            answers = [
                client.get("", params={"fields": "id,accountName", "stage": "proposal"}),
                client.get("", params={"colour": "red"}, headers={"prefer": "handling=strict"}),
            ]
            assert [answer.status_code for answer in answers] == [200, 400]
            conforms(demo, viewer, "X-Client: legacy")
            answers += [client.get(""), client.get("opp_nowhere/"), client.patch("opp_nowhere/", json={"name": "N"})]
        told = {"deprecation": "@1767225600", "sunset": "Fri, 01 Jan 2027 00:00:00 GMT"}
        for answer in (answers[0], *answers[2:]):
            assert told.items() <= answer.headers.items(), answer.request.url
            assert answer.headers["link"] == '<https://crm.example.com/leaving>; rel="deprecation"; type="text/html"'


@pytest.mark.parametrize(
    ("setting", "value", "status", "code"),
    [("require_if_match", "true", 428, "precondition_required"), ("rate_limit", "3/minute", 429, "rate_limited")],
)
def test_errors_that_are_settings(tmp_path: Path, setting: str, value: str, status: int, code: str) -> None:
    """428 and 429 come where the operator asks for them, in the one shape, with the headers that clients go by."""
    with serve_demo(tmp_path, **{setting: value}) as demo:
        refused = _patched(demo)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    if status == 429:
        assert int(refused.headers["retry-after"]) > 0
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(refused.headers)


def _patched(demo: Demo) -> httpx.Response:
    """The answer to the fourth call: a PATCH without `If-Match`."""
    with httpx.Client(base_url=demo.url, headers={"authorization": f"Bearer {demo.token}"}) as client:
        for _ in range(3):
            page = client.get("/api/opportunities/?limit=1")
        return client.patch(f"/api/opportunities/{page.json()['results'][0]['id']}/", json={})
