"""Attacks: the short forms of `tests.end_to_end.attacks`, one after the other on one gateway.

How long the client beside may wait is measured in the long form, on a quiet machine.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.attacks.run import ATTACKS, carry_out
from tests.end_to_end.attacks.target import Target, prepare, target
from tests.live_server import ROOT

#: Seconds, and bytes of addresses.
PATIENCE, MEMORY = 3.0, 4_000 * 2**20


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks")
    prepare(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
async def gateways(filled: Path) -> AsyncIterator[dict[int, Target]]:
    """Those that run, by the number of files that they may open."""
    with ExitStack() as stack:
        running: dict[int, Target] = {}
        for files in sorted({attack.files for attack in ATTACKS.values()}):
            running[files] = stack.enter_context(target(ROOT, filled, memory=MEMORY, files=files))
            await running[files].gateway.ready()
        yield running


@pytest.mark.parametrize("name", ATTACKS)
async def test_others_are_served_beside(gateways: dict[int, Target], name: str) -> None:
    """The attack is answered as it should be, a client beside it always, and afterwards the process holds what it held before."""
    attack = ATTACKS[name]
    outcome = await carry_out(attack, gateways[attack.files], attack.short, PATIENCE)
    assert outcome.faults == [], outcome
