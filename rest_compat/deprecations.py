"""Deprecations of REST, by settings or by the schema.

There a reason has the dates: `@deprecated(reason: "Ask for x: https://… Since 2026-01-01, until 2027-01-01.")`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeVar, cast

from rest_compat.json_values import JsonObject
from rest_compat.resources.declaration import DeclarationError, Deprecation, Key, Parameter, Resource, RouteAction

_DATES = re.compile(r"\bsince ([0-9]{4}-[0-9]{2}-[0-9]{2})(?:, until ([0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:)]")

KeyOrParameter = TypeVar("KeyOrParameter", Key, Parameter)
DeprecatedPart = Literal["routes", "parameters", "keys"]
Changes = Mapping[str, Mapping[DeprecatedPart, Mapping[str, Deprecation]]]
"""The deprecated routes (by action), parameters and keys of a resource."""


@dataclass(frozen=True, slots=True)
class Deprecated:
    """Something deprecated that a call uses. `kind` is that of `RestUse`, or `api` for all of REST, which has no name."""

    kind: Literal["api", "route", "parameter", "field", "whole_object"]
    name: str
    deprecation: Deprecation

    @property
    def in_headers(self) -> bool:
        """Whether the answer's headers name it."""
        return self.kind != "whole_object" or self.deprecation.whole_objects

    def to_dict(self) -> JsonObject:
        """Return the object in the answer of `/api/_graphql`."""
        found = self.deprecation
        sunset = found.sunset.isoformat() if found.sunset else None
        return {"kind": self.kind, "name": self.name, "since": found.since.isoformat(), "sunset": sunset, "link": found.link}


def in_schema(coordinate: str, reason: str | None) -> Deprecation | None:
    """Return the deprecation that a reason describes, if any. Raises DeclarationError if it has no date, which the headers need."""
    if reason is None:
        return None
    dates = _DATES.search(reason)
    if dates is None:
        raise DeclarationError(
            f"{coordinate} is deprecated, and its reason doesn't say since when: write it as in '… since 2026-01-01, until 2027-01-01'"
        )
    since, sunset = (_day(coordinate, text) if text else None for text in dates.groups())
    assert since is not None
    link = _LINK.search(reason)
    return Deprecation(since=since, sunset=sunset, link=link[0] if link else None)


def _day(coordinate: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DeclarationError(f"{coordinate} is deprecated, and there is no day {text}") from None


def deprecate(resources: Sequence[Resource], changes: Changes) -> list[Resource]:
    """The resources, with more of them deprecated. Raises DeclarationError for a name that there isn't."""
    _check("", changes, [resource.name for resource in resources])
    return [_changed(resource, changes.get(resource.name, {})) for resource in resources]


def _changed(resource: Resource, parts: Mapping[DeprecatedPart, Mapping[str, Deprecation]]) -> Resource:
    routes = parts.get("routes", {})
    _check(f"{resource.name}.routes", routes, resource.actions)
    return replace(
        resource,
        keys=_deprecated(f"{resource.name}.keys", resource.keys, parts.get("keys", {})),
        parameters=_deprecated(f"{resource.name}.parameters", resource.parameters, parts.get("parameters", {})),
        deprecated={**resource.deprecated, **cast("Mapping[RouteAction, Deprecation]", routes)},
    )


def _deprecated(where: str, named: Sequence[KeyOrParameter], changes: Mapping[str, Deprecation]) -> tuple[KeyOrParameter, ...]:
    _check(where, changes, [one.name for one in named])
    return tuple(replace(one, deprecated=changes.get(one.name, one.deprecated)) for one in named)


def _check(where: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise DeclarationError(f"{where}.{name}".lstrip(".") + f" doesn't exist: there are {', '.join(known)}")
