"""The command `gateway doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import lazy
from gateway.cli.flags import with_settings
from gateway.cli.terminal import print_json
from gateway.settings import load
from schema.values import Value

if TYPE_CHECKING:
    from .examination import Finding


@with_settings
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of objects.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for a warning, too.")] = False,
    **flags: Value,
) -> None:
    """Look at all that serving needs, and say what to do. Ends with 1 where the gateway could not serve."""
    found: list[Finding] = []
    for finding in lazy.examination.examine(load(**flags)):
        found.append(finding)
        if not as_json:
            typer.echo(f"{finding.level:<8} {finding.check}: {finding.says}")
    if as_json:
        print_json(("level", "check", "says"), [(each.level, each.check, each.says) for each in found])
    severity = lazy.examination.Severity
    bad = {severity.FAULT, severity.WARNING} if strict else {severity.FAULT}
    if bad & {each.level for each in found}:
        raise typer.Exit(1)
