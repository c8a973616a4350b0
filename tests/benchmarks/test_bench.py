"""The bench runs and the contenders agree: its short form. No speed is asserted, as another test may be running."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.live_server import ROOT


@pytest.mark.skipif(shutil.which("wrk") is None and "CI" not in os.environ, reason="not installed: wrk")
def test_quick(tmp_path: Path) -> None:
    """`make bench ARGS=--quick` measures the gateway and the floor in workloads of each kind, after they gave the same answers."""
    out = tmp_path / "QUICK.md"
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = orjson.loads(out.with_suffix(".json").read_bytes())
    assert not told["faults"]
    compared = told["measured"]["SQLite"]
    assert set(compared) == {"W1", "G1", "W3", "G3", "W4", "W6"}
    for workload, contenders in compared.items():
        assert set(contenders) == ({"gateway"} if workload.startswith("G") else {"floor", "gateway"})
        assert all(one["rate"] > 0 for rounds in contenders.values() for one in rounds)
    assert set(told["measured"]["Latency"]) >= {"W3", "W3 beside a slow filter"}
    page = out.read_text()
    assert "W3: gateway against floor" in page
    assert "W3: gateway against its own G3" in page
    assert "Not measured" not in page
