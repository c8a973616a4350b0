"""CPU a request of two states of the code: what is counted, and what is made of it. Two states are only run by `make cpu`."""

import subprocess
import sys

import pytest

from .cpu import ratios, row
from .machine import cpu_seconds
from .rounds import Measured
from .workloads import WORKLOADS

SPENDING = "import sys, time; sum(range(3_000_000)); print(time.process_time(), flush=True); sys.stdin.read()"


def _spent(cpu: float) -> Measured:
    return Measured(rate=1, p50=1, p99=1, cpu=cpu, memory=1, others=0)


def test_what_another_process_has_spent() -> None:
    """It is what that process says itself, to a few milliseconds, and not hundredths of seconds."""
    with subprocess.Popen([sys.executable, "-c", SPENDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = float(process.stdout.readline())
        assert cpu_seconds(process.pid) == pytest.approx(said, abs=0.05)
        assert cpu_seconds(process.pid) >= said
        process.communicate()


def test_ratios_are_taken_within_an_alternation() -> None:
    """A machine that is slow for a while is slow for both; the median isn't moved by one round, and a ratio that is too low is marked."""
    old, new = [_spent(cpu) for cpu in (1, 10, 1, 2, 100)], [_spent(cpu) for cpu in (1, 10, 2, 2, 1)]
    assert ratios(old, new)[1] == 1
    assert row(WORKLOADS["W1"], old, new)[-1] == ""
    assert row(WORKLOADS["W1"], new, [_spent(one.cpu * 1.1) for one in new])[3:] == ["0.909", "0.909 to 0.909", "< 0.97"]
