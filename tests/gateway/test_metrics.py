"""Metrics as they are counted: many at once as the library would one by one, differences of plain numbers, bounded names."""

import random

from prometheus_client import CollectorRegistry, Histogram

from gateway.observability.metrics import BUCKETS, LONGEST_NAME, Metrics, observe


def test_many_observations_at_once() -> None:
    """They come to what the library's own way comes to, at the bounds of buckets too; it fails where the library's insides change."""
    draw = random.Random(1)
    values = [*BUCKETS, 0.0, 100.0, *(draw.expovariate(20) for _ in range(500))]
    registries = CollectorRegistry(), CollectorRegistry()
    ours, theirs = (Histogram("h", "A histogram.", buckets=BUCKETS, registry=registry) for registry in registries)
    observe(ours, values)
    for value in values:
        theirs.observe(value)
    found, expected = ({(s.name, *s.labels.values()): s.value for m in registry.collect() for s in m.samples} for registry in registries)
    assert found.keys() == expected.keys()
    assert all(abs(found[key] - expected[key]) < 1e-9 for key in found)


def test_counters_of_plain_numbers() -> None:
    """What a source counts is told as it grows, however often it is asked; a source that begins anew takes nothing back."""
    number = [3.0]
    metrics = Metrics([lambda: {"gateway_plan_cache_hits_total": number[0], ("gateway_sweeps_total", "done"): number[0]}])

    def told() -> tuple[float | None, float | None]:
        metrics.measure()
        value = metrics.registry.get_sample_value
        return value("gateway_plan_cache_hits_total"), value("gateway_sweeps_total", {"outcome": "done"})

    assert told() == told() == (3.0, 3.0)
    number[0] = 10.0
    assert told() == (10.0, 10.0)
    number[0] = 0.0
    assert told() == (10.0, 10.0)


def test_long_names() -> None:
    """A client's operation names are cut in the metrics."""
    metrics = Metrics()
    metrics.operations_run["query", "n" * 5_000, False] += 1
    metrics.settle()
    labels = {"kind": "query", "name": "n" * LONGEST_NAME, "outcome": "ok"}
    assert metrics.registry.get_sample_value("gateway_operations_total", labels) == 1
