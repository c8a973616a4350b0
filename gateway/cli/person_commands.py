"""The commands about a person's data: `gateway export person`, `gateway erase contact`, `user` and `remains`."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from gateway.settings import Settings, load

from . import lazy
from .command_database import DatabaseUrl, existing_database, run
from .terminal import print_rows, say

if TYPE_CHECKING:
    from schema.persons.erasure import Erased
    from schema.persons.person import Person
    from schema.storage.database import Database

COLUMNS = ("table", "field", "values", "what becomes of it")

erasing = typer.Typer(no_args_is_help=True, help="Erase a person's data. Without --yes, print only what would go.")
exporting = typer.Typer(no_args_is_help=True, help="Print what is stored.")

AlsoOption = Annotated[
    list[str] | None,
    typer.Option(help="A further name, address or number of the person; may be repeated.", metavar="TEXT", show_default=False),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it. It can't be taken back.")]
FullOption = Annotated[bool, typer.Option("--full", help="On PostgreSQL, write the tables anew; each is locked meanwhile.")]
WorkspaceOption = Annotated[str | None, typer.Option(help="Only in this workspace.", metavar="NAME")]


@exporting.command("person")
def export_person(
    who: Annotated[str, typer.Argument(help="An id, an e-mail address, a telephone number or a whole name.")],
    *,
    also: AlsoOption = None,
    workspace: WorkspaceOption = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print all that is stored on a person as JSON, each value with the table and the field that it came from."""
    settings = existing_database(load(database_url=database_url))
    count = run(settings, lambda database: _export(database, who, workspace, also or []))
    say(f"{count} values.")


async def _export(database: "Database", who: str, workspace: str | None, also: Sequence[str]) -> int:
    persons = await lazy.person.find(database, who, workspace)
    if not persons:
        raise lazy.person.nobody(who)
    for person in persons:
        say(f"{person.kind} {person.id} in the workspace {person.workspace}")
    count, out = 0, sys.stdout.buffer
    async for value in lazy.export.export(database, persons, also):
        out.write((b",\n  " if count else b"[\n  ") + orjson.dumps(value))
        count += 1
    out.write(b"\n]\n")
    out.flush()
    return count


@erasing.command("contact")
def erase_contact(
    contact_id: Annotated[str, typer.Argument(metavar="ID", help="The contact's id, cnt_…")],
    *,
    yes: YesOption = False,
    also: AlsoOption = None,
    full: FullOption = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Erase a contact: the record goes, and the person's name, address and number go out of all texts of the workspace."""
    _erase(existing_database(load(database_url=database_url)), "contact", contact_id, also or [], yes=yes, full=full)


@erasing.command("user")
def erase_user(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="The user's id, usr_…")],
    *,
    yes: YesOption = False,
    also: AlsoOption = None,
    full: FullOption = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Erase a user: the record stays without the person, locked, since deals and history refer to it; all texts are gone through."""
    _erase(existing_database(load(database_url=database_url)), "user", user_id, also or [], yes=yes, full=full)


@erasing.command("remains")
def erase_remains(*, full: FullOption = False, database_url: DatabaseUrl = None) -> None:
    """Wipe what was deleted before out of the database's files. `erase contact` and `erase user` end with it."""
    settings = existing_database(load(database_url=database_url))
    _wipe(settings, full=full)


def _erase(settings: Settings, kind: str, id_: str, also: Sequence[str], *, yes: bool, full: bool) -> None:
    done = run(settings, lambda database: _erased(settings, database, kind, id_, also, yes=yes))
    print_rows(COLUMNS, [*lazy.erasure.lines(done.found)])
    if not yes:
        say("Nothing was changed. The same command with --yes does it.")
        _say_wait(settings)
        return
    say(f"Erased the {kind} {id_}. Keep this id: after a restore of an older backup, erase it again.")
    for failed in done.failures:
        say(f"This could not be changed, mend it by hand: {failed}")
    # Told before: where another program keeps the files from being wiped, it is known what is done, and `erase remains` does the rest.
    _wipe(settings, full=full)
    if done.failed:
        raise typer.Exit(1)


async def _erased(settings: Settings, database: "Database", kind: str, id_: str, also: Sequence[str], *, yes: bool) -> "Erased":
    person = await lazy.person.find_one(database, kind, id_)
    await _say_others(database, person)
    eraser = lazy.erasure.Eraser(lazy.graph_settings.graph_of(settings, database), person, also)
    return await eraser.erase() if yes else lazy.erasure.Erased(await eraser.look())


async def _say_others(database: "Database", person: "Person") -> None:
    """Print other records that may belong to the person who is erased."""
    for other in await lazy.person.find(database, str(person.row["email"])):
        if other.id != person.id:
            say(f"The same e-mail address is that of the {other.kind} {other.id} in the workspace {other.workspace}: erase it, too.")
    if len(str(person.row["name"]).split()) == 1:
        say("A name of a single word is not looked for in texts: give the whole name by --also, if there is one.")


def _say_wait(settings: Settings) -> None:
    path = lazy.database.sqlite_path(settings.database_url)
    if path is not None:
        seconds = lazy.sqlite_wiping.expected_seconds(path)
        say(f"At its end the file is written anew: readers go on, writers wait for about {seconds:.1f} s.")


def _wipe(settings: Settings, *, full: bool) -> None:
    path = lazy.database.sqlite_path(settings.database_url)
    if path is not None:
        _say_wait(settings)
        lazy.sqlite_wiping.wipe(path)
        say(f"Wiped {path} and its log: nothing that was deleted is left in them.")
        return
    asyncio.run(lazy.postgresql_wiping.wipe(settings.database_url, full=full))
    say("Removed dead rows, and sampled the tables anew." if not full else "Wrote the tables anew.")
    say("PostgreSQL's write-ahead log and its archives keep old rows until they are recycled; so do standbys' and backups.")


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.add_typer(erasing, name="erase")
    app.add_typer(exporting, name="export")
