"""No files import each other in a circle, however long: each can be read, tested and moved with what it stands on."""

from collections.abc import Iterator

import grimp
import pytest


@pytest.mark.parametrize("package", ["schema", "rest_compat", "gateway"])
def test_no_circle_of_files(package: str) -> None:
    """Imports for types alone don't count: they aren't there when a program runs."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    assert sorted(graph.modules)
    assert list(_circles(graph)) == []


def _circles(graph: grimp.ImportGraph) -> Iterator[list[str]]:
    """Takes away, again and again, the files that import none of the others: what stays is in a circle, or leads to one."""
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := [module for module, imported in left.items() if not imported & left.keys()]:
        for module in free:
            del left[module]
    if left:
        yield sorted(left)
