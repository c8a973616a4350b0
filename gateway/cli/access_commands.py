"""The commands for access: `gateway token create`, `list`, `rotate`, `revoke`, and `gateway audit`."""

import re
from dataclasses import astuple, fields
from typing import Annotated

import typer

from gateway.environment import without_password
from gateway.settings import load
from schema.rules.access import MOST_OVERLAP_MINUTES, Role

from . import lazy
from .command_database import DatabaseUrl, existing_database, run
from .terminal import CommandError, name_of, print_json, print_rows, say

_TIME = re.compile(r"0|([0-9]{1,6})([dhm])", re.ASCII)
_UNITS = {"d": 24 * 60, "h": 60, "m": 1}

tokens = typer.Typer(no_args_is_help=True, help="API keys: make, list, rotate and revoke them.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(tokens, name="token")
    app.command()(audit)


@tokens.command("create")
def token_create(
    *,
    workspace: Annotated[str, typer.Option(help="The workspace's name; it is made if there is none.")],
    role: Annotated[Role, typer.Option(help="What the token may do.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    expires: Annotated[int | None, typer.Option(help="Days until it expires (default: never).", min=1, max=36_500, metavar="DAYS")] = None,
    account: Annotated[str | None, typer.Option(help="The one account that a viewer sees.", metavar="ID")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it is narrowed to, as in accounts:read; may be repeated (default: all that the role allows)."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an API key and print its token, this once, alone on standard output."""
    if account is not None and role is not Role.VIEWER:
        raise CommandError("--account: only a viewer can be limited to an account, so give --role viewer with it")
    settings = load(database_url=database_url)
    key = lazy.keys.NewKey(name_of("--workspace", workspace), role, name_of("--name", name), expires, account, tuple(scope or ()))
    created = run(settings, lambda database: lazy.keys.ApiKeys(database).create(key))
    say(f"In the database {without_password(settings.database_url)}.")
    if created.new_workspace:
        say(f"Made the workspace {workspace}.")
    say(f"Made the key {created.id}. Its token is shown only now:")
    typer.echo(created.token)


@tokens.command("list")
def token_list(database_url: DatabaseUrl = None) -> None:
    """List the API keys: a table in a terminal, tab-separated lines elsewhere."""
    listed = run(existing_database(load(database_url=database_url)), lambda database: lazy.keys.ApiKeys(database).list())
    print_rows([field.name for field in fields(lazy.keys.ListedKey)], [[value or "" for value in astuple(key)] for key in listed])


@tokens.command("rotate")
def token_rotate(
    named: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="The key's id, key_…, or its name.")],
    *,
    overlap: Annotated[str, typer.Option(help="For how long the former token works on, as in 7d, 12h, 30m or 0.", metavar="TIME")] = "7d",
    database_url: DatabaseUrl = None,
) -> None:
    """Give an API key a new token and print it, this once, alone on standard output; the former one works until the overlap ends."""
    minutes = _minutes("--overlap", overlap)
    rotated = run(existing_database(load(database_url=database_url)), lambda database: lazy.keys.ApiKeys(database).rotate(named, minutes))
    ends = f"works until {rotated.until}" if rotated.until else "is refused from now on, by running gateways within five seconds"
    say(f"Gave the key {rotated.id} ({rotated.name}) a new token; the former one {ends}. The new one is shown only now:")
    typer.echo(rotated.token)


@tokens.command("revoke")
def token_revoke(
    named: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="The key's id, key_…, or its name.")], database_url: DatabaseUrl = None
) -> None:
    """Revoke an API key; running gateways refuse it within five seconds."""
    revoked = run(existing_database(load(database_url=database_url)), lambda database: lazy.keys.ApiKeys(database).revoke(named))
    say(f"Revoked the key {revoked.id} ({revoked.name}).")


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of objects.")] = False,
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.", metavar="NAME")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as key_created or user_changed.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=100_000)] = 1_000,
    database_url: DatabaseUrl = None,
) -> None:
    """List who made, changed, rotated and revoked API keys and users."""
    if kind is not None and kind not in lazy.audit_report.KINDS:
        raise CommandError(f"--kind: write one of {', '.join(lazy.audit_report.KINDS)}")
    wanted = lazy.audit_report.AuditFilter(workspace, kind, limit)
    rows = run(existing_database(load(database_url=database_url)), lambda database: lazy.audit_report.entries(database, wanted), workspace)
    (print_json if as_json else print_rows)(lazy.audit_report.COLUMNS, rows)


def _minutes(option: str, value: str) -> int:
    """A time such as 7d, 12h, 30m or 0. Raises CommandError."""
    match = _TIME.fullmatch(value)
    minutes = int(match[1]) * _UNITS[match[2]] if match and match[1] else 0
    if match is None or minutes > MOST_OVERLAP_MINUTES:
        raise CommandError(f"{option}: write a time of at most {MOST_OVERLAP_MINUTES // _UNITS['d']} days, as in 7d, 12h, 30m or 0")
    return minutes
