"""What every record is: something with an id."""

import strawberry
from strawberry import ID

from schema.engine.types.fields import plain


@strawberry.interface(
    description=(
        "A record that has an id. Ids are the same in REST and GraphQL, and unique over all types and workspaces. Clients need not know "
        "what they are made of."
    )
)
class Node:
    """Relay's global object identification, without base64."""

    id: ID = plain("The id of the record: `<prefix>_<ULID>`, where the prefix tells the type.")
