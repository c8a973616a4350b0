"""Deprecations of REST by settings: all of it (`GATEWAY_REST_SUNSET`), or parts of it by a file (`GATEWAY_REST_DEPRECATIONS`)."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.settings import Settings, SettingsError
from rest_compat import RESOURCES
from rest_compat.deprecations import deprecate
from rest_compat.resources.declaration import DeclarationError, Deprecation, Resource
from schema.extensions import load
from schema.values import Value

#: Bytes of the file: it names a few dozen things.
LONGEST: Final = 1_000_000


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: date
    sunset: date | None = None
    link: str | None = Field(None, pattern="^https?://[!-;=?-~]+$")
    whole_objects: bool = Field(default=False, alias="wholeObjects")


class _Parts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    routes: Mapping[str, _Entry] = {}
    parameters: Mapping[str, _Entry] = {}
    keys: Mapping[str, _Entry] = {}


_FILE: Final = TypeAdapter(dict[str, _Parts])


def rest_deprecation(settings: Settings) -> Deprecation | None:
    """That of REST as a whole: until the setting says since when, it is deprecated from the day on that it ends."""
    if settings.rest_sunset is None:
        return None
    return Deprecation(since=settings.rest_deprecated or settings.rest_sunset, sunset=settings.rest_sunset, link=settings.rest_sunset_link)


def rest_resources(settings: Settings) -> Sequence[Resource]:
    """All resources that are served, with what the file deprecates. Raises SettingsError, which says what is wrong."""
    resources = _declared(settings)
    if settings.rest_deprecations is None:
        return resources
    try:
        found = _FILE.validate_json(_read(settings.rest_deprecations))
        return deprecate(resources, {name: _changes(parts) for name, parts in found.items()})
    except ValidationError as error:
        raise _fault(settings.rest_deprecations, "; ".join(map(_format_fault, error.errors()))) from None
    except (OSError, DeclarationError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _fault(settings.rest_deprecations, str(reason)) from None


def _declared(settings: Settings) -> Sequence[Resource]:
    """The gateway's own resources, and those of extensions."""
    found = list(RESOURCES)
    for extension in load(settings.extensions):
        for resource in extension.resources:
            if not isinstance(resource, Resource):
                raise SettingsError(f"GATEWAY_EXTENSIONS: {extension.name}: rest() takes a Resource of rest_compat, and not {resource!r}")
            if any(resource.name == one.name for one in found):
                raise SettingsError(f"GATEWAY_EXTENSIONS: {extension.name} adds the REST resource {resource.name}, which is there already")
            found.append(resource)
    return found


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST)


def _changes(parts: _Parts) -> Value:
    return {name: {one: Deprecation(**entry.model_dump()) for one, entry in getattr(parts, name).items()} for name in _Parts.model_fields}


def _format_fault(fault: Value) -> str:
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".lstrip(": ")


def _fault(path: Path, reason: str) -> SettingsError:
    return SettingsError(f"GATEWAY_REST_DEPRECATIONS: {path}: {reason}")
