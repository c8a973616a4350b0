"""schemathesis, which nobody here wrote, finds nothing on `/graphql`.

`SCHEMATHESIS_EXAMPLES` says how many documents a root field gets, and then they differ from run to run.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.tools import HERE, run
from tests.live_server import ROOT, Demo, serve_demo

#: Documents are generated as large as chance has it: what is too much is tested elsewhere.
ROOMY = {
    "max_cost": "100000000",
    "max_depth": "100",
    "max_tokens": "100000",
    "max_document_length": "1000000",
    "max_aliases": "1000",
    "max_fields": "100000",
}
#: Of each root field, on a busy machine.
SECONDS_AN_EXAMPLE = 10
MODES = {
    "obedient": ["--mode", "positive"],
    "wild": ["--exclude-checks", "positive_data_acceptance"],
}


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with serve_demo(tmp_path_factory.mktemp("schemathesis"), **ROOMY) as running:
        yield running


@pytest.mark.parametrize("mode", MODES)
def test_schemathesis_finds_nothing(roomy: Demo, mode: str, tmp_path: Path) -> None:
    """What the schema and the rules allow is accepted (obedient), what the schema doesn't is refused, and nothing is a defect (wild)."""
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES")
    amount = ["--max-examples", examples] if examples else ["--max-examples", "10", "--seed", "2026"]
    hooks = {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")} if mode == "obedient" else {}
    program = Path(sys.executable).with_name("schemathesis")
    call = ["run", f"{roomy.url}/graphql", "-H", f"Authorization: Bearer {roomy.token}", "--generation-database", "none"]
    patience = SECONDS_AN_EXAMPLE * int(examples or 10)
    run([program, *call, *amount, *MODES[mode]], tmp_path, patience=patience, PYTHONPATH=str(ROOT), **hooks)
