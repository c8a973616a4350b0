"""Derives the graph's types from the nouns, once all of them are declared."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import configure_mappers

from schema.engine.compile.sources import SOURCE, ConnectionSource, RecordById, StoredType, ToOne
from schema.engine.types.fields import plain, read_from

from .base import NOUNS, row_of
from .errors import USER_ERRORS, UserError
from .groups import is_grouped, summary_of
from .lists import link_filters, make_lists
from .members import REQUIRED, Argument, Member, make_input, make_type, with_arguments
from .noun import Noun
from .relay import Node
from .writes import IdArg


def derive(nouns: Iterable[Noun] = NOUNS.values()) -> None:
    """Makes the types of all nouns. Raises TypeError where declarations contradict each other."""
    listed = list(nouns)
    for noun in listed:
        for each in noun.declared:
            each.check(f"{noun.name}.{each.attribute}", noun.row.__table__)
        _check_references(noun)
    for noun in listed:
        if noun.summary is None and is_grouped(noun):
            noun.summary = summary_of(noun)
        if noun.lists:
            noun.listing = make_lists(noun)
    for noun in listed:
        if noun.listing is not None:
            link_filters(noun)
    for noun in listed:
        _make(noun)
    # Resolvers read the attributes of records that no session has loaded: these are there once mappers are configured.
    configure_mappers()


def _check_references(noun: Noun) -> None:
    for declared in noun.declared:
        refers = declared.reference()
        if refers is not None and row_of(refers.to).__noun__.prefix is None:
            raise TypeError(f"{noun.name}.{declared.attribute} refers to {refers.to}, whose records have no ids.")


def _make(noun: Noun) -> None:
    members = [member for each in noun.declared if (member := each.output()) is not None]
    bases = (Node,) if noun.prefix else ()
    noun.output = make_type(noun.name, _description(noun.row), members, bases)
    # The class of the rows represents the type, in annotations too.
    row: Any = noun.row
    row.__strawberry_definition__ = noun.output.__strawberry_definition__
    row.__strawberry_definition__.origin = row
    row.__stored__ = _stored(noun)
    noun.create = _input(noun, "Create", noun.creates)
    noun.update = _input(noun, "Update", noun.updates)
    if noun.creates or noun.updates:
        noun.payload = _payload(noun)


def _stored(noun: Noun) -> StoredType:
    """Return the stored rows of the noun for the planner."""
    ordering = None if noun.listing is None else noun.listing.ordering
    summary = None if noun.summary is None else noun.summary[1]
    return StoredType(noun.row.__table__, noun.prefix, noun.visible, noun.search, noun.key, noun.unlisted, ordering, summary, noun.scope)


def _description(row: Any) -> str:
    return " ".join(row.__doc__.split())


def _input(noun: Noun, verb: str, description: str | None) -> Any:
    if description is None:
        return None
    given = [each.given(creating=verb == "Create") for each in noun.declared]
    return make_input(f"{verb}{noun.name}Input", description, [member for member in given if member is not None])


def _payload(noun: Noun) -> Any:
    row: Any = noun.row
    which = "who" if noun.person else "that"
    one = read_from(ToOne(noun.name, "recordId"), f"The {noun.label} as it is now; null if nothing was done.")
    members = [Member(noun.member, row | None, one), Member("user_errors", list[UserError], plain(USER_ERRORS))]
    return make_type(f"{noun.name}Payload", f"The {noun.label} {which} was created or changed, or what to mend.", members)


def one(row: Any) -> Any:
    """The root field that gives one record by its id."""
    noun: Noun = row.__noun__
    text = f"{noun.a_label[0].upper()}{noun.a_label[1:]} by its id; null if there is none."
    return with_arguments(row | None, [Argument("id", IdArg, REQUIRED)], text, {SOURCE: RecordById(noun.name)})


def many(row: Any, description: str, *more: Argument, admin: bool = False, **columns: str) -> Any:
    """The root field that gives a page. `more` arguments are compared with `columns`, which name them. `admin`: only admins may ask."""
    noun: Noun = row.__noun__
    assert noun.listing is not None, noun.name
    return noun.listing.field(description, ConnectionSource(noun.name, None, columns, admin=admin), *more)
