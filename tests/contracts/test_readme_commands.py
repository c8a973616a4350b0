"""README's commands, pasted one after the other into one shell: none fails, and each shows what the page says."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.connecting import free_port
from tests.live_server import ROOT, serve_demo

README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """The commands of a section: what stands four blanks to the right."""
    text = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert text, title
    return "\n".join(line[4:] for line in re.findall(r"^ {4}.*$", text, re.MULTILINE)) + "\n"


def paste(script: str, folder: Path, **environment: str) -> str:
    """What a shell prints that is given these lines, and ends at the first that fails."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("bash or curl is not installed")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "gateway").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m gateway "$@"\n')
    (programs / "gateway").chmod(0o755)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = subprocess.run(
        ["bash", "-eo", "pipefail"],
        input=script,
        cwd=folder,
        env={**plain, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text, which follow one another."""
    place = 0
    while (place := text.find("{", place)) >= 0:
        found, place = json.JSONDecoder().raw_decode(text, place)
        yield found


def test_both_doors(tmp_path: Path) -> None:
    """With the token that `make serve` prints, both doors answer the same two deals, and a call is told as GraphQL."""
    with serve_demo(tmp_path) as demo:
        script = section("The same thing through both doors").replace("http://127.0.0.1:8000", demo.url).replace("curl ", "curl -sSf ")
        printed = paste(script, tmp_path, TOKEN=demo.token)
    rest, graph, told = islice(_objects(printed), 3)
    assert [deal["id"] for deal in rest["results"]] == [deal["id"] for deal in graph["data"]["opportunities"]["nodes"]]
    assert rest["count"] == graph["data"]["opportunities"]["totalCount"]
    assert told["operationName"] == "ListOpportunities"
    assert "query ListOpportunities(" in printed


def test_postgresql_and_tokens(tmp_path: Path, postgres_url: str) -> None:
    """An address, a migration, a token, a gateway, in one shell: the token then opens the gateway on that database."""
    port = free_port()
    script = section("PostgreSQL and tokens").replace("postgresql://user:password@localhost/name", f"'{postgres_url}'")
    assert script.endswith("gateway serve\n")
    ask = f'curl -sSf --retry 50 --retry-connrefused --retry-delay 1 -H "Authorization: Bearer $TOKEN" http://127.0.0.1:{port}/api/opportunities/'
    script = script.replace("gateway serve\n", f"gateway serve --port {port} &\n{ask}\nkill -INT %1\nwait %1 || [ $? -eq 130 ]\n")
    assert json.loads(paste(f"set -m\n{script}", tmp_path))["results"] == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert not list(tmp_path.glob("*.db"))
