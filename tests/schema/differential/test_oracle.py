"""The oracle stands by itself: what it shared with the planner, it couldn't judge."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests import reference

FOLDER = Path(next(iter(reference.__path__)))
LINES = 500


def _imported() -> Iterator[str]:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                yield node.module or ""
            elif isinstance(node, ast.Import):
                yield from (name.name for name in node.names)


def test_imports_rules_alone() -> None:
    """Of the product the oracle imports the rules, and nothing that compiles, reads or writes."""
    ours = {name for name in _imported() if name.partition(".")[0] in {"schema", "gateway", "rest_compat"}}
    assert ours
    assert all(name.startswith("schema.rules.") for name in ours), ours


def test_is_small() -> None:
    """The oracle is read in one sitting: comments, docstrings, imports and empty lines aside, it has at most so many lines."""
    lines = sum(_code_lines(ast.parse(path.read_text())) for path in FOLDER.glob("*.py"))
    assert 0 < lines <= LINES


def _code_lines(tree: ast.Module) -> int:
    """Lines on which a statement or an expression stands that isn't an import or a docstring."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt) and not isinstance(node, ast.Import | ast.ImportFrom):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            found.add(node.lineno)
    return len(found)
