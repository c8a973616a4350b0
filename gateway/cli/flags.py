"""A flag for each setting, made from the settings: what is added there can be given on the command line without a word here."""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from gateway.environment import PREFIX
from gateway.settings import Settings
from schema.values import Value

# The most used settings, in this order; the others are listed under "Settings".
FIRST = ("host", "port", "database_url", "workers", "migrate")


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """`command(demo=…, **flags)` as Typer reads it: with a flag for each setting, None where it isn't given."""
    own = [parameter for parameter in Signature.from_callable(command).parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
    names = [*FIRST, *(name for name in Settings.model_fields if name not in FIRST)]
    flags = [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(name)) for name in names]
    command.__signature__ = Signature([*own, *flags])  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *flags]} | {"return": None}
    return command


def _annotation(name: str) -> Value:
    field = Settings.model_fields[name]
    flag = "--" + name.replace("_", "-")
    is_switch = field.annotation is bool
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if is_switch else flag,
        help=_help(field),
        metavar=None if is_switch else _metavar(field),
        show_default=False,
        rich_help_panel=None if name in FIRST else f"Settings, each also as {PREFIX}… in the environment",
    )
    return Annotated[(bool if is_switch else str) | None, option]


def _metavar(field: FieldInfo) -> str:
    return "NUMBER" if field.annotation in {int, float} else "TEXT"


def _help(field: FieldInfo) -> str:
    default = default_of(field)
    return f"{field.description} (default: {default})" if default else str(field.description)


def default_of(field: FieldInfo) -> str:
    """The default as one would type it; an empty text if there is none."""
    value = field.default
    if value is None or value == ():
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
