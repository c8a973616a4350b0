"""What is kept of REST's operations is bounded in bytes, documents and plans included."""

import gc
import tracemalloc
import weakref
from itertools import combinations, islice

from rest_compat.translate.operation_cache import OperationCache
from tests.rest_compat.real import OPPORTUNITIES, gateway

KEYS = ("id", "name", "accountId", "accountName", "value", "stage", "probability", "closeDate", "assignedTo", "source")


def test_the_longest_unused_go_first() -> None:
    """Whoever lets an operation go is told; one that is larger than all that may be kept stays alone."""
    kept, gone = OperationCache[str](3, 400_000), list[str]()
    for name in "abc":
        kept.put(name, name, "x" * 100, lambda name=name: gone.append(name))  # type: ignore[misc]
    assert kept.get("a") == "a"
    kept.put("d", "d", "x" * 100, lambda: gone.append("d"))
    assert (gone, kept.get("b"), len(kept), kept.bytes) == (["b"], None, 3, 270_000)
    kept.put("e", "e", "x" * 2_000, lambda: gone.append("e"))
    assert (gone, len(kept)) == (["b", "c", "a", "d"], 1)


async def test_every_choice_of_keys(sqlite_url: str) -> None:
    """However many sets of keys are asked for, what is kept of them stays in its bounds, and what is let go is free."""
    async with gateway(sqlite_url) as here:
        made = await here.make("/api/accounts/", name="A")
        await here.make(OPPORTUNITIES, name="D", accountId=made["id"])
        first = here.app.rest.translator.endpoints["opportunities", "list"].operation(frozenset({"id", "name"}), None)
        again = weakref.ref(first.write)
        del first
        tracemalloc.start()
        for keys in islice(combinations(KEYS, 5), 100):
            answer = await here.client.get(f"{OPPORTUNITIES}?fields={','.join(keys)}")
            assert answer.status_code == 200
            assert set(answer.json()["results"][0]) == set(keys)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert again() is None
    assert taken < 60_000_000
