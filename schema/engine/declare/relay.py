"""Relay's interfaces: records with an id, the arguments of a page, and its page info (GraphQL Cursor Connections Specification)."""

from typing import Annotated

import strawberry
from strawberry import ID

from schema.engine.types.fields import Constraint, argument, plain

from .enums import plain_enum
from .members import Argument

_SIZE = Constraint(min=0, max=100)

FirstArg = Annotated[
    int | None,
    argument("How many records the page has, from the start of the list or after `after`; 20 if neither this nor `last` is given.", _SIZE),
]
AfterArg = Annotated[str | None, argument("Only records that come after this cursor.")]
LastArg = Annotated[int | None, argument("How many records the page has, from the end of the list or before `before`.", _SIZE)]
BeforeArg = Annotated[str | None, argument("Only records that come before this cursor.")]
OffsetArg = Annotated[
    int | None,
    argument("How many records are passed over, for clients that number their pages; it excludes cursors and `last`.", Constraint(min=0)),
]
SearchArg = Annotated[
    str | None,
    argument(
        "Only records with this text in the name, or in the e-mail address if they have one; upper and lower case are alike, as are other "
        "forms of the same character.",
        Constraint(max_length=200),
    ),
]


PAGE_ARGUMENTS = (
    Argument("first", FirstArg),
    Argument("after", AfterArg),
    Argument("last", LastArg),
    Argument("before", BeforeArg),
    Argument("offset", OffsetArg),
)
"""The arguments that every list has."""

Direction = plain_enum(
    "Direction",
    "Which end of an order comes first.",
    {
        "ASC": "The smallest comes first; records without a value come last.",
        "DESC": "The greatest comes first; records without a value come last.",
    },
)


@strawberry.type(description="What comes before and after a page, as Relay's specification of cursor connections has it.")
class PageInfo:
    """Where a page is."""

    has_next_page: bool = plain("Whether more records come after the page.")
    has_previous_page: bool = plain("Whether records come before the page.")
    start_cursor: str | None = plain("The cursor of the first record of the page; null if the page is empty.")
    end_cursor: str | None = plain("The cursor of the last record of the page; null if the page is empty.")


@strawberry.interface(
    description=(
        "A record that has an id. Ids are the same in REST and GraphQL, and unique over all types and workspaces. Clients need not know "
        "what they are made of."
    )
)
class Node:
    """Relay's global object identification, without base64."""

    id: ID = plain("The id of the record: `<prefix>_<ULID>`, where the prefix tells the type.")
