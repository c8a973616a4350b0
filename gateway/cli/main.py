"""The command line `gateway …`: the commands that have no file of their own, and how each of them ends.

What a program reads (a token, the SDL, a list) goes to standard output, what is meant for people to standard error. Exit code 2 says that
what was typed can't be, 1 that the database, the port or the disk didn't do their part.
"""

import asyncio
import os
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from gateway import VERSION
from gateway.server.listen import listening
from gateway.settings import SettingsError, load, unknown_variables

from . import access_commands, backup_commands, lazy, person_commands
from .command_database import DatabaseUrl, existing_database, run
from .completion import completion
from .doctor.command import doctor
from .flags import with_settings
from .terminal import CommandError, name_of, print_json, print_rows, progress, reopen_closed_streams, say

MOST_SEEDED: Final = 10_000_000
"""Records of a kind that `seed` writes at most: accounts and people are held in memory until they are written."""

app = typer.Typer(
    name="gateway",
    help="A GraphQL gateway with a REST compatibility layer for sales opportunities.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
access_commands.register(app)
app.command()(completion)
app.command()(doctor)
backup_commands.register(app)
person_commands.register(app)


def main() -> None:
    """Runs the command line. Ends the process, with a sentence instead of a traceback for what isn't a defect."""
    reopen_closed_streams()
    try:
        app()
    except (CommandError, SettingsError) as error:
        _end(str(error), 2)
    except Exception as error:
        ended = lazy.command_errors.describe(error)
        if ended is None:
            raise
        _end(*ended)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def begin(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Runs before every command: print warnings of unknown variables (`serve` logs them instead)."""
    del version
    if context.invoked_subcommand != "serve":
        for line in unknown_variables(os.environ):
            say(f"gateway: {line}")


@app.command()
@with_settings
def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty database and print a token to it (loopback only).")] = False,
    **flags: Any,
) -> None:
    """Serve both doors until SIGTERM or Ctrl-C."""
    settings = load(**flags)
    lazy.logs.configure(settings)
    # Settings, port or database that can't work end the command here, with a sentence.
    app = lazy.app.create_app(settings)
    if demo:
        lazy.demo.check_loopback(settings)
    with listening(settings) as (settings, sockets):
        token = run(settings, lazy.demo.prepare if demo else partial(lazy.serving.advise, settings))
        if token is not None:
            lazy.demo.announce(settings, token)
        lazy.serving.serve(settings, sockets, None if demo else app, demo_token=token)


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Take the database to the newest revision."""
    settings = load(database_url=database_url)
    packages = lazy.extension_packages.packages_in(settings)
    asyncio.run(lazy.migrations.upgrade(settings.database_url, packages))
    say(f"The database is at revision {', '.join(lazy.migrations.heads(packages).values())}.")


@app.command()
def seed(
    *,
    opportunities: Annotated[int, typer.Option(help="How many.", min=0, max=MOST_SEEDED)],
    accounts: Annotated[int | None, typer.Option(help="How many (default: one to 20 opportunities).", min=1, max=MOST_SEEDED)] = None,
    users: Annotated[
        int | None, typer.Option(help="How many (default: one to 500 opportunities, at least 5).", min=1, max=MOST_SEEDED)
    ] = None,
    contacts: Annotated[int | None, typer.Option(help="How many (default: four to an account).", min=0, max=MOST_SEEDED)] = None,
    workspace: Annotated[str, typer.Option(help="The workspace's name; it is made if there is none.")] = "Main",
    number: Annotated[int, typer.Option("--seed", help="The same number gives the same data.")] = 1,
    database_url: DatabaseUrl = None,
) -> None:
    """Fill a workspace with believable data, 100,000 opportunities in well under a minute."""
    spec = lazy.seed.SeedSpec(name_of("--workspace", workspace), opportunities, accounts, users, contacts, number)
    with progress(opportunities) as tell:
        seeded = run(load(database_url=database_url), lambda database: lazy.seed.seed(database.url, spec, progress=tell))
    say(f"Wrote {seeded.rows:,} rows into the workspace {workspace}.")
    say(f"A token for it: gateway token create --workspace {workspace!r} --role admin")


@app.command()
def schema() -> None:
    """Print the GraphQL schema as SDL, with what GATEWAY_EXTENSIONS add."""
    typer.echo(lazy.graph_settings.graph_of(load(), lazy.opening.open_database("sqlite:///")).sdl, nl=False)


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A GraphQL document; `-` reads standard input.")],
    variables: Annotated[str, typer.Option(help="Its variables, as a JSON object.", metavar="JSON")] = "{}",
    operation: Annotated[str | None, typer.Option(help="The operation, where the document has several.", metavar="NAME")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the plan of an operation: its cost, its SQL, and what writes the response. Runs nothing."""
    typer.echo(lazy.explain_command.explained(load(database_url=database_url), file, variables, operation))


@app.command()
def openapi(
    *,
    older: Annotated[bool, typer.Option("--3.0", help="OpenAPI 3.0.3, for code generators that don't read 3.1.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the REST routes as OpenAPI 3.1."""
    document = lazy.translate_commands.described(load(database_url=database_url), older=older)
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


@app.command()
def parity(*, database_url: DatabaseUrl = None) -> None:
    """Print which name of REST is which of GraphQL, as tables in Markdown; those of extensions too."""
    lazy.translate_commands.print_parity(load(database_url=database_url))


@app.command()
def translate(  # noqa: PLR0913  each is a flag
    method: Annotated[str | None, typer.Argument(help="GET, POST, PATCH, DELETE or QUERY.")] = None,
    target: Annotated[str | None, typer.Argument(help="Path and query, as in '/api/opportunities/?stage=proposal'.")] = None,
    *,
    body: Annotated[str, typer.Option(help="The call's JSON body.", metavar="JSON")] = "",
    har: Annotated[
        list[Path] | None, typer.Option(help="A HAR file, or an access log, also in gzip; may be repeated.", metavar="FILE")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Whose calls of a recording are meant (default: the most frequent host).")] = None,
    prefix: Annotated[str | None, typer.Option(help="What stands before /api/ in its paths (default: the most frequent prefix).")] = None,
    out: Annotated[Path, typer.Option(help="Where a recording's operations go.", metavar="FOLDER")] = Path("graphql"),
    verify: Annotated[str | None, typer.Option(help="Ask both doors of this gateway for each read, and compare.", metavar="URL")] = None,
    token: Annotated[str, typer.Option(help="The token to ask with.")] = "",
) -> None:
    """Show the GraphQL operation that a REST call becomes, or turn recordings of many into a folder of operations."""
    if har:
        lazy.translate_commands.translate_recordings(load(), lazy.translate_commands.RecordingFiles(har, host, prefix), out, verify, token)
    elif method is None or target is None:
        raise CommandError("give a method and a path, or --har FILE")
    else:
        if verify is not None:
            raise CommandError("--verify compares the reads of a recording: give --har FILE, too")
        lazy.translate_commands.translate_call(load(), method, target, body)


@app.command()
def usage(  # noqa: PLR0913  each is a flag
    *,
    graphql: Annotated[bool, typer.Option("--graphql", help="List what of GraphQL is used, by client, in place of REST.")] = False,
    share: Annotated[bool, typer.Option("--share", help="Of each token, how much of what it calls is GraphQL.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of objects.")] = False,
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.", metavar="NAME")] = None,
    token: Annotated[str | None, typer.Option(help="Only of this API key or user.", metavar="ID")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as route, ignored or operation.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was used on this day or later.", formats=["%Y-%m-%d"])] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List who still uses which REST route, parameter and field, how often, and when last."""
    if share and (graphql or kind is not None):
        raise CommandError("--share compares all of REST with all of GraphQL: leave out --graphql and --kind")
    wanted = lazy.usage_report.UsageFilter(workspace, token, kind, since.date() if since else None)
    kinds = lazy.usage_report.GRAPHQL_KINDS if graphql else lazy.usage_report.KINDS
    if kind is not None and kind not in kinds:
        raise CommandError(f"--kind: write one of {', '.join(kinds)}")
    columns, report = lazy.usage_report.REPORTS["share" if share else "graphql" if graphql else "rest"]
    rows = run(existing_database(load(database_url=database_url)), lambda database: report(database, wanted), workspace)
    if as_json:
        print_json(columns, rows, lazy.usage_report.NUMBERS)
    else:
        print_rows(columns, rows)


def _end(message: str, code: int) -> None:
    for line in message.splitlines():
        say(f"gateway: {line}")
    sys.exit(code)
