"""Input and output of commands: JSON, tables for people and programs, and progress."""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from schema.rules.text import trimmed

LINE_SECONDS: Final = 5.0
"""Seconds between lines of progress, where there is no terminal."""

MAX_NAME = 100


class CommandError(Exception):
    """The command can't be run as typed; the message says why."""


def reopen_closed_streams() -> None:
    """Opens the standard streams that the caller closed (`>&-`), to nothing: else what is printed, or a file in their place, would fail."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  it stays open


def visible(text: str, *, lines: bool = False) -> str:
    """A text as it can be shown: what moves a cursor, hides, turns or breaks what stands there is written as Python escapes it.

    People and programs choose names. With `lines` the text may have several.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or (lines and each == "\n") else repr(each)[1:-1] for each in text)


def say(message: str) -> None:
    """Tell a person something: on standard error, so that standard output is a program's."""
    typer.echo(visible(message, lines=True), err=True)


def print_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in a terminal, tab-separated lines elsewhere."""
    if not sys.stdout.isatty():
        for row in [names, *rows]:
            typer.echo("\t".join(map(visible, row)))
        return
    table = Table(*names)
    for row in rows:
        # Text in brackets is not rich's markup.
        table.add_row(*(Text(visible(value)) for value in row))
    Console().print(table)


def print_json(names: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = ()) -> None:
    """The rows as an array of objects; `numbers` names the columns that hold whole numbers."""
    found = [{name: int(value) if name in numbers else value for name, value in zip(names, row, strict=True)} for row in rows]
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("Opportunities"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("opportunities", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def bytes_progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how many bytes are done: a bar in a terminal, elsewhere a line every few seconds."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=None)
        said = monotonic()

        def tell(done: int, total: int) -> None:
            nonlocal said
            bar.update(task, completed=done, total=total)
            if not console.is_terminal and monotonic() - said > LINE_SECONDS:
                said = monotonic()
                say(f"{doing}: {done:,} of {total:,} bytes")

        yield tell


def name_of(option: str, value: str) -> str:
    """The name that an option gives, if it can be shown and stored. Raises CommandError."""
    name = trimmed(value)
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise CommandError(f"{option}: give 1 to {MAX_NAME} printable characters")
    return name
