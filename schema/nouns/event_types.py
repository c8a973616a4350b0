"""Subscriptions to a noun's records, derived from the noun: the type of their events, and the field of Subscription."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry
from strawberry import ID

from schema.engine.compile.filter_targets import Through
from schema.engine.compile.sources import SOURCE, EventSource, OneOf, OwnedBy, SeenWith, ToOne
from schema.engine.declare.enums import plain_enum
from schema.engine.declare.lists import filter_argument, filterables
from schema.engine.declare.members import Argument, Member, make_type, signed
from schema.engine.declare.noun import Noun
from schema.engine.types.fields import Planned, argument, plain, read_from
from schema.engine.types.scalars import DateTime
from schema.values import Made, Value

from .all import Actor, User
from .users.actor import by_actor, by_user

EventType = plain_enum(
    "EventType",
    "What happened to a record.",
    {
        "CREATED": "The record was created, or it changed so that the caller may see it now.",
        "UPDATED": "The record changed. This is also told, once, when it no longer matches the filter.",
        "DELETED": "The record was deleted, or it changed so that the caller may no longer see it.",
    },
)
_DID = "made the change"


def followed(row: Value) -> Value:
    """The field of Subscription that follows the records of a noun. Raises TypeError, by name, for a noun that can't be followed."""
    noun: Noun = row.__noun__
    _check(noun)

    async def resolve(self: Made, **_: object) -> Value:  # noqa: ARG001  Strawberry looks for this name
        raise Planned
        yield

    since = argument(
        "The cursor of the last event that was seen; if it is left out, events from now on are told. Where events after it are no longer "
        "kept, that is an error with the code CURSOR_EXPIRED: read the list again, and follow from now on."
    )
    arguments = [Argument("filter", _filter(noun)), Argument("since", Annotated[str | None, since])]
    resolver = signed(resolve, AsyncIterator[_event(noun)], arguments)  # type: ignore[misc]
    text = (
        f"Follows the {noun.plural} of the workspace: an event for each change, after it was committed, in the order of commits, "
        f"whichever process made it. `since` goes on without a gap. The filter is compared with the {noun.label} after the change, and "
        "one that leaves it is told once more. What a viewer limited to an account may no longer see is told as DELETED."
    )
    return strawberry.subscription(resolver=resolver, description=text, metadata={SOURCE: EventSource(noun.name, f"{noun.graph_name}Id")})


def _check(noun: Noun) -> None:
    if noun.listing is None or noun.listing.filter is None:
        raise TypeError(f"{noun.name} can't be followed: say `lists=True` of it, and `filters=True` of a field, which events keep.")
    if noun.visible is not None and not isinstance(noun.visible, OwnedBy | SeenWith):
        raise TypeError(f"{noun.name} can't be followed: who sees it is told by a condition of its own. Take OwnedBy or seen_with.")


def _filter(noun: Noun) -> Value:
    text = f"Tells only of {noun.plural} that match this filter."
    through = next((each.name for each in filterables(noun) if isinstance(each.match, Through)), None)
    if through is not None:
        text += f" It may have no conditions on other records, such as `{through}`, since an event keeps only their ids."
    assert noun.listing is not None
    return filter_argument(noun.listing.filter, text)


def _event(noun: Noun) -> Value:
    row: Value = noun.row
    label = noun.label
    members = [
        Member(
            "cursor",
            str,
            plain("The position of the event. A client that comes back gives the last one it has seen as `since`, and misses nothing."),
        ),
        Member("type", EventType, plain(f"What happened to the {label}.")),
        Member(f"{noun.member}_id", ID, plain(f"The id of the {label} that changed. The event itself has no id, since it is no record.")),
        Member(
            noun.member,
            row | None,
            read_from(
                ToOne(noun.name, "recordId"), f"The {label} as it is now; null if it was deleted, or if the caller may no longer see it."
            ),
        ),
        Member(
            "changed_fields",
            list[str],
            plain(
                f"The names of the fields that changed, as they stand in the inputs; one that only rules set has its name in the {label}. "
                "Empty for a deletion."
            ),
        ),
        Member("at", DateTime, plain("When the change was made, in UTC.")),
        Member("by", User | None, read_from(ToOne("User", "byId"), by_user(_DID))),
        Member("actor", Actor | None, read_from(OneOf((ToOne("User", "byId"), ToOne("ApiKey", "byKeyId"))), by_actor(_DID))),
    ]
    return make_type(f"{noun.name}Event", f"A change of {noun.a_label}, told after it was committed.", members)
