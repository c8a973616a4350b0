"""Descriptions in the SDL and in OpenAPI stand alone in a hover: plain sentences, with the limits that `@constraint` declares."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import GraphQLInputObjectType, is_specified_directive, is_specified_scalar_type

from schema.assembly import build
from schema.engine.types.fields import LIMITS, Constraint, limited
from tests.contracts.generated import OPENAPI

SHORTEST = 3
SENTENCE = re.compile(r"[A-Z`0-9].*[.]", re.DOTALL)
#: In GraphQL's own words a member of an input or an enum is the record's field under another name.
ALIKE = re.compile(r"_|Ids?$")


def described() -> Iterator[tuple[str, str]]:
    """The coordinate of each part of the schema that is ours, with its description."""
    schema = build().schema
    yield "schema", schema.description or ""
    yield from ((f"@{each.name}", each.description or "") for each in schema.directives if not is_specified_directive(each))
    for type_ in schema.type_map.values():
        if not type_.name.startswith("__") and not is_specified_scalar_type(type_):
            yield type_.name, type_.description or ""
            yield from members(type_)


def members(type_: Any) -> Iterator[tuple[str, str]]:
    """The same of a type's fields, arguments and values."""
    for name, member in {**getattr(type_, "fields", {}), **getattr(type_, "values", {})}.items():
        yield f"{type_.name}.{name}", member.description or ""
        yield from ((f"{type_.name}.{name}({each})", argument.description or "") for each, argument in getattr(member, "args", {}).items())


def openapi(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of each description in the OpenAPI document. Examples are somebody's data, not ours to word."""
    for key, below in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == "description" and isinstance(below, str):
            yield path, below
        elif key not in {"example", "examples"}:
            yield from openapi(below, f"{path}/{key}")


SDL = dict(described())
REST = dict(openapi(orjson.loads(OPENAPI.read_bytes())))


@pytest.mark.parametrize("where", [SDL, REST], ids=["sdl", "openapi"])
def test_descriptions_are_sentences(where: dict[str, str]) -> None:
    """At least three words, a capital letter or code first, a full stop last."""
    assert len(where) > 100
    wrong = {place: text for place, text in where.items() if len(text.split()) < SHORTEST or not SENTENCE.fullmatch(text)}
    assert wrong == {}


def test_descriptions_name_what_they_tell_of() -> None:
    """Read alone, "How many times the client used it." says nothing: only its type would say what "it" is."""
    unnamed = re.compile(r"(What|When it) was done\b(?! to)|(used|did) it\b|What it was\b")
    assert {place: text for place, text in SDL.items() if unnamed.search(text)} == {}


def test_events_say_what_can_become_of_a_cursor() -> None:
    """A client that resumes has to know the code by which it learns that it must read the list again; nor are all names those of inputs."""
    assert "CURSOR_EXPIRED" in SDL["Subscription.opportunityChanged(since)"]
    assert "only rules set" in SDL["OpportunityEvent.changedFields"]


def test_each_description_is_of_one_thing() -> None:
    """Two things share a description only where they are the same thing: a record's field, its input, its filter and its order."""
    found: dict[str, set[str]] = defaultdict(set)
    for place, text in SDL.items():
        name = re.split(r"[.(]", place.rstrip(")"))[-1]
        found[text].add(ALIKE.sub("", name).lower() if name != place else place)
    assert {text: names for text, names in found.items() if len(names) > 1} == {}


def test_inputs_are_described_as_their_fields() -> None:
    """What is written is described as what is read: the input's sentence begins with that of the field, or of the record it names."""
    types: Any = build().schema.type_map
    wrong = []
    for kind in ("Opportunity", "Account", "Contact", "User", "ApiKey"):
        for verb in ("Create", "Update"):
            given = types.get(f"{verb}{kind}Input")
            for name, field in getattr(given, "fields", {}).items():
                read = types[kind].fields.get(name) or types[kind].fields.get(name.removesuffix("Id")) or types[kind].fields["contacts"]
                if not field.description.startswith(read.description.partition(" Null for callers")[0]):
                    wrong.append(f"{given.name}.{name}")
    assert wrong == []


def constrained() -> Iterator[tuple[str, str, Constraint]]:
    """Each input field and argument with limits: its coordinate, its description, its limits."""
    for type_ in build().schema.type_map.values():
        for name, field in getattr(type_, "fields", {}).items():
            if isinstance(type_, GraphQLInputObjectType):
                limits = field.extensions["strawberry-definition"].metadata.get(LIMITS)
                if limits is not None:
                    yield f"{type_.name}.{name}", field.description, limits
            for each, argument in getattr(field, "args", {}).items():
                declared = argument.extensions.get("strawberry-definition")
                for limits in declared.directives if declared is not None else ():
                    yield f"{type_.name}.{name}({each})", argument.description, limits


def test_limits_are_in_the_descriptions() -> None:
    """Introspection has no directives, so a description ends with the limits, which are made of the same object as `@constraint`."""
    found = list(constrained())
    assert len(found) > 50
    missing = [place for place, text, limits in found if limits.sentences() and not text.endswith(" ".join(limits.sentences()))]
    assert missing == []


def test_limits_in_words() -> None:
    """Each kind of limit has its own words; bounds that aren't there aren't told."""
    assert limited("A name.", Constraint(min_length=1, max_length=10_000)) == "A name. From 1 to 10,000 characters."
    assert limited("A page.", Constraint(min=0, max=100)) == "A page. From 0 to 100."
    assert limited("A value.", Constraint(min=0)) == "A value. At least 0."
    assert limited("Ids.", Constraint(max_items=250, unique_items=True)) == "Ids. At most 250 items. No item may come twice."
    assert limited("Scopes.", Constraint(min_items=1, max_items=100)) == "Scopes. From 1 to 100 items."
    assert limited("Groups.", Constraint(min_items=1, max_items=1)) == "Groups. Exactly one item."
    assert limited("An address.", Constraint(format="email")) == "An address."
    assert limited("A text.", None) == "A text."
