"""Completion as the shells themselves do it, by the script that `gateway completion` prints."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli.main import app
from tests.gateway.conftest import Run

#: How each shell is asked what could follow a line, whose last word is being typed: it prints a word a line.
ASK = {
    "bash": 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gateway; printf "%s\\n" "${COMPREPLY[@]}"',
    # Where completion isn't set up, its two functions are ours.
    "zsh": 'compdef() { }; _files() { }; _describe() { print -l -- ${(@)${(@P)3}%%:*} }; source "$0"; words=("$@"); CURRENT=$#; _gateway',
    "fish": 'source $argv[1]; complete -C (string join " " -- $argv[2..])',
}


@pytest.fixture(params=ASK)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def completed(run: Run, shell: str, folder: Path, *words: str) -> set[str]:
    """What the shell offers for the last of the words."""
    script = folder / "script"
    script.write_text(run("completion", shell).out)
    done = subprocess.run(
        [shell, "-c", ASK[shell], str(script), *words], capture_output=True, text=True, check=True, cwd=folder, timeout=60
    )
    offered = {line.partition("\t")[0] for line in done.stdout.splitlines()}
    # zsh and fish leave out by themselves what doesn't begin so.
    return {word for word in offered if word and word.startswith(words[-1])}


def test_commands(run: Run, shell: str, tmp_path: Path) -> None:
    """Every command is offered, and after a group its commands."""
    named = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    offered = completed(run, shell, tmp_path, "gateway", "")
    assert named | {group.name for group in app.registered_groups} <= offered
    assert {"create", "list", "revoke"} <= completed(run, shell, tmp_path, "gateway", "token", "")
    assert completed(run, shell, tmp_path, "gateway", "tok") == {"token"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("serve", "--log-f"), {"--log-format"}),
        (("serve", "--no-mig"), {"--no-migrate"}),
        (("serve", "--log-format", ""), {"auto", "json", "console"}),
        (("token", "create", "--role", ""), {"admin", "member", "viewer"}),
        (("token", "create", "--role", "v"), {"viewer"}),
        (("token", "create", "--workspace", "serve", "--ro"), {"--role"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
    ],
)
def test_options_and_values(run: Run, shell: str, tmp_path: Path, words: tuple[str, ...], offered: set[str]) -> None:
    """Options are those of the command before them; a few possible values are offered, and an option's value is no command."""
    found = completed(run, shell, tmp_path, "gateway", *words)
    assert {word for word in found if not word.startswith("--h")} == offered


@pytest.mark.parametrize("shell", ASK)
def test_the_script_is_all(run: Run, shell: str) -> None:
    """The script alone is on standard output, and a shell that isn't known is refused by name."""
    printed = run("completion", shell)
    assert (printed.code, printed.err) == (0, "")
    refused = run("completion", "tcsh")
    assert (refused.code, refused.out) == (2, "")
    assert "tcsh" in refused.err
