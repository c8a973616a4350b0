"""schemathesis, which nobody here wrote, finds nothing: all checks on, stateful links too, on the server as a person starts it.

`SCHEMATHESIS_EXAMPLES` says how many cases a route gets (some 4,000 in all with 150).
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.live_server import ROOT, serve_demo

HERE = Path(__file__).parent


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Generated calls, in and out of what OpenAPI says, and chains of create, get, patch, delete: every answer is as OpenAPI says."""
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "6")
    with serve_demo(tmp_path) as demo:
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")]
        command += ["run", f"{demo.url}/api/openapi.json", "-H", f"Authorization: Bearer {demo.token}"]
        command += ["--max-examples", examples, "--generation-database", "none"]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
