"""The process's own figures: CPU, memory, descriptors, under the names that Prometheus' clients have for them."""

from typing import Final

from prometheus_client import ProcessCollector

from schema.storage.database import Figures

_COLLECTOR: Final = ProcessCollector(registry=None)


def figures() -> Figures:
    """Seconds of CPU, bytes of memory, open descriptors and when it began (seconds since 1970); nothing where the system has no /proc."""
    return {sample.name: sample.value for family in _COLLECTOR.collect() for sample in family.samples}
