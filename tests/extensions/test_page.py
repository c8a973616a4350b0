"""docs/extending.md, "A noun of your own": its files are written and its commands run, as they stand there; examples/tasks is the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(python|graphql|sh)\n(.*?)```", (ROOT / "docs" / "extending.md").read_text("utf-8"), re.DOTALL)
FILES = {
    found[1]: text[found.end() :] for kind, text in BLOCKS if kind != "sh" and (found := re.match(r"# (tasks/\S+)\n", text)) is not None
}
(COMMANDS,) = [text for kind, text in BLOCKS if kind == "sh" and "GATEWAY_EXTENSIONS=tasks" in text]


def run(folder: Path, script: str) -> str:
    """What a script prints, with the gateway's commands found and its database in the folder. It must succeed."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder}/gateway.db",
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files."""
    made = tmp_path_factory.mktemp("page")
    for name, text in FILES.items():
        path = made / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    with (made / "tasks" / "__init__.py").open("a") as file:
        file.write("from . import rules\n")
    return made


@pytest.mark.parametrize("name", [name for name in FILES if name != "tasks/rules.py"])
def test_the_example_is_the_page(name: str) -> None:
    """Each file of the page stands in examples/, word by word, and no other but the migration."""
    assert (ROOT / "examples" / name).read_text("utf-8") == FILES[name]


def test_it_is_short() -> None:
    """The whole noun, both doors, in at most 130 lines beside its migration."""
    assert sum(len(FILES[name].splitlines()) for name in FILES if name != "tasks/rules.py") <= 130
    assert {path.name for path in (ROOT / "examples" / "tasks").glob("*.*")} == {Path(name).name for name in FILES} - {"rules.py"}


def test_the_commands(folder: Path) -> None:
    """One after the other they write the migration, make the tables, and show the noun behind both doors."""
    said = run(folder, COMMANDS)
    for part in ("tasks_0001_first_tables.py", "tasks_0001", "type Task implements Node", "query ListTasks", "| `dueDate` |"):
        assert part in said, said


def test_the_next_migration(folder: Path) -> None:
    """A field more gives one column more, of the package alone; then nothing is left to write."""
    code = folder / "tasks" / "__init__.py"
    text = code.read_text("utf-8")
    code.write_text(text.replace("    overdue: bool", '    note: str | None = field("A note.", NAME)\n    overdue: bool'), "utf-8")
    command = "export GATEWAY_EXTENSIONS=tasks PYTHONPATH=.; python -m gateway.migrations.autogenerate --package tasks"
    run(folder, f"{command} note && gateway migrate && {command} nothing")
    note, nothing = sorted((folder / "tasks" / "migrations").glob("tasks_000[23]*.py"))
    assert re.findall(r"(?:op|batch_op)\.\w+\(.*", note.read_text("utf-8").partition("def downgrade")[0]) == [
        "op.batch_alter_table('task', schema=None) as batch_op:",
        "batch_op.add_column(sa.Column('note', TEXT, nullable=True))",
    ]
    assert "op." not in nothing.read_text("utf-8").partition("def upgrade")[2]
