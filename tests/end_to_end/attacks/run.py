"""Each attack beside a client that behaves: how long that one waited, what was answered, what the process held before and afterwards."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.end_to_end.attacks import members, strangers
from tests.end_to_end.attacks.target import Standing, Target, end_of, healthy, target
from tests.end_to_end.http_client import Connections, Told, get

Carried: TypeAlias = Callable[[Target, float], Awaitable[Counter[str]]]
#: Megabytes that may be left over, and seconds until what is left has gone: idle connections have ten for a request.
LEFT, SETTLING = 60.0, 20.0
#: Seconds that an attack may take in all.
LONGEST = 180.0


@dataclass(frozen=True, slots=True)
class Attack:
    """`run(target, scale)` tells what it met, and how often: of that `wanted` is all that there may be."""

    name: str
    run: Carried
    wanted: frozenset[str]
    #: The share of its full size that does harm already, in a second or two: for the short form.
    short: float
    #: Descriptors that the process may have, and whether the client that behaves comes on new connections.
    files: int = 1_024
    kept: str = "kept"

    @property
    def title(self) -> str:
        """The first sentence of what `run` says of itself, without its number."""
        return (self.run.__doc__ or "").partition(": ")[2].partition(".\n")[0].rstrip(".")


def _attack(name: str, run: Carried, *wanted: str, short: float = 0.25, **more: Any) -> Attack:
    return Attack(name, run, frozenset(wanted), short, **more)


_REFUSED = ("400",)
#: There is no room for more, or the attacker's own operation has used up its time: which, the machine's speed decides.
_OVERLOADED = ("503", "504")
ATTACKS = {
    attack.name: attack
    for attack in (
        _attack("N1", strangers.pipelines, "left", "dropped", short=0.2),
        _attack("N2", strangers.wishes, "400", "401", "426", short=0.1),
        _attack("N3", strangers.pongs, "dropped", "1008", "4429", short=0.1),
        _attack("N4", strangers.silent, "200", files=256, kept="fresh", short=0.1),
        _attack("N5", strangers.together, "200"),
        _attack("V1", members.long_texts, *_REFUSED),
        _attack("V2", members.slow_readers, "200", "503", *_REFUSED),
        _attack("V3", members.histories, "200", *_REFUSED),
        _attack("V4", members.introspection, *_REFUSED),
        _attack("V5", members.aggregates, "200", *_REFUSED),
        _attack("V6", members.subscriptions, "200", short=0.5),
        _attack("V7", members.blanks, "400", "401", "431", short=0.2),
        _attack("R6", members.filters, *_REFUSED),
        _attack("R7", members.dearest, *_REFUSED),
        _attack("D1", members.documents, "200", *_OVERLOADED, *_REFUSED, short=0.05),
        _attack("D2", members.deep, *_OVERLOADED, *_REFUSED, short=0.1),
        _attack("D3", members.many_slow_readers, "200", *_OVERLOADED),
        _attack("D4", members.shapes, "200", *_OVERLOADED, short=0.05),
        _attack("D5", members.padded, *_OVERLOADED, *_REFUSED, short=0.1),
    )
}


@dataclass(slots=True)
class Outcome:
    """What came of an attack. Seconds and megabytes; `met` is what the client that behaves was told."""

    attack: str
    title: str
    seconds: float = 0.0
    told: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    before: float = 0.0
    most: float = 0.0
    after: float = 0.0
    faults: list[str] = field(default_factory=list)


async def carry_out(attack: Attack, on: Target, scale: float, patience: float) -> Outcome:
    """An attack at `scale` of its size; the client that behaves may wait `patience` seconds at most."""
    outcome = Outcome(attack.name, attack.title)
    await _warm(on)
    before = on.standing()
    on.forget_peak()
    client, began = healthy(on, attack.kept), time.monotonic()
    try:
        async with asyncio.timeout(LONGEST):
            outcome.told = dict(await attack.run(on, scale))
    except (TimeoutError, OSError, EOFError) as fault:
        outcome.faults.append(f"the attack broke off: {fault!r}")
    outcome.seconds = round(time.monotonic() - began, 1)
    await asyncio.sleep(0.5)
    met = await asyncio.to_thread(end_of, client)
    outcome.met, outcome.slowest = met["told"], round(met["slowest"], 2)
    _judge(outcome, attack, patience)
    await _judge_afterwards(outcome, on, before)
    return outcome


async def _warm(on: Target) -> None:
    """Whatever a process needs for its usual work it has by now."""
    requests = [get(f"/api/opportunities/{on.deal}/", on.admin), get("/api/opportunities/?limit=20", on.viewer)]
    requests.append(members.query(on.viewer, "{ opportunities(first: 20) { totalCount nodes { id account { name } contacts { id } } } }"))
    async with Connections(on.address) as connections:
        for _ in range(30):
            for request in requests:
                assert await connections.ask(request, Told()) == 200


def _judge(outcome: Outcome, attack: Attack, patience: float) -> None:
    if set(outcome.told) - attack.wanted:
        outcome.faults.append(f"told {outcome.told}, wanted {sorted(attack.wanted)}")
    if set(outcome.met) != {"200"}:
        outcome.faults.append(f"the client beside met {outcome.met}")
    if outcome.slowest > patience:
        outcome.faults.append(f"the client beside waited for {outcome.slowest} s")


async def _judge_afterwards(outcome: Outcome, on: Target, before: Standing) -> None:
    """All is as before: the process lives, and holds no more than it did."""
    outcome.before = round(before.memory)
    if not on.alive:
        outcome.faults.append(f"the process ended with {on.gateway.process.returncode}")
        return
    end = time.monotonic() + SETTLING
    while (left := _left(before, now := on.standing())) and time.monotonic() < end:  # noqa: ASYNC110  it happens in another process
        await asyncio.sleep(0.2)
    outcome.most, outcome.after = round(on.peak()), round(now.memory)
    outcome.faults += left


def _left(before: Standing, now: Standing) -> list[str]:
    """What there is more of than there was. A connection or a task may belong to something that happens now and then."""
    more = [f"{now.memory - before.memory:.0f} MB are left over"] if now.memory > before.memory + LEFT else []
    more += [f"{now.sockets} connections after {before.sockets}"] if now.sockets > before.sockets + 3 else []
    more += [f"{now.tasks} tasks after {before.tasks}"] if now.tasks > before.tasks + 3 else []
    return more


async def run(attack: Attack, root: Path, folder: Path, *, scale: float, patience: float, memory: int) -> Outcome:
    """An attack on a gateway of its own, over the database in `folder`."""
    with target(root, folder, memory=memory, files=attack.files) as on:
        await on.gateway.ready()
        return await carry_out(attack, on, scale, patience)
