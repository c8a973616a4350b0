"""No circles of files, and no name for two classes: whoever reads a file needs to know only what it imports."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("gateway", "schema", "rest_compat")
#: The graph's enum is the class itself, as Strawberry takes it.
TWICE = {"Role": ["schema.nouns.users.enums", "schema.rules.access"]}


def modules() -> dict[str, Path]:
    """Each file of the rooms by the name that it is imported by."""
    return {_name(path): path for room in ROOMS for path in (ROOT / room).rglob("*.py")}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The files that a file imports when it runs, also within functions."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _running(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])]) if node.level else node.module
            for one in node.names:
                found = next((each for each in (f"{base}.{one.name}", base) if each in known), None)
                if found and found != name:
                    yield found


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from _running(child)


def test_no_file_imports_itself_by_way_of_others() -> None:
    """All files of the three rooms can be put in an order in which each comes after those that it imports."""
    known = modules()
    graph = {name: set(imports(name, path, known)) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_a_circle_is_found(tmp_path: Path) -> None:
    """Relative imports and those of packages count."""
    package = tmp_path / "__init__.py"
    package.write_text("from .a import x\nfrom . import b\n")
    known = {"p": package, "p.a": package, "p.b": package}
    assert set(imports("p", package, known)) == {"p.a", "p.b"}


def test_a_class_name_stands_for_one_class() -> None:
    """Over the three rooms no two classes, nor a class and a type's name, are called alike: a name read alone says what it is."""
    places: dict[str, set[str]] = defaultdict(set)
    classes: set[str] = set()
    for module, path in modules().items():
        if ".migrations.versions." not in module:
            for name, is_class in named(ast.parse(path.read_text("utf-8"))):
                places[name].add(module)
                classes |= {name} if is_class else set()
    assert len(classes) > 300
    assert {name: sorted(found) for name, found in places.items() if len(found) > 1 and name in classes} == TWICE


def named(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The classes of a file, and the names that it gives to types."""
    yield from ((node.name, True) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z][a-z]\w*", target.id):
            yield target.id, False
