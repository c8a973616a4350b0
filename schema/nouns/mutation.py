"""What can be done. Each mutation is carried out by the action of its name in `schema.nouns.actions`."""

from typing import Annotated

import strawberry
from strawberry import ID

from schema.engine.compile.sources import WRITES
from schema.engine.declare.members import REQUIRED, Argument, list_of, with_arguments
from schema.engine.declare.writes import KEY, VERSION, DeletePayload, IdArg, changes, creates, deletes
from schema.engine.types.fields import Constraint, argument
from schema.rules.access import MOST_OVERLAP_MINUTES

from .all import Account, ApiKey, Contact, Opportunity, User
from .payloads import ApiKeyPayload, BulkDeletePayload, BulkOpportunityPayload

_MANY = Constraint(max_items=250)

IdsArg = Annotated[
    list[ID], argument("The ids of the opportunities. One that comes twice is done once, and answered at both places.", _MANY)
]
VersionsArg = Annotated[
    list[int | None] | None,
    argument("For each of `ids` the version that the caller has seen, or null where any version will do.", _MANY),
]
UnchangedArg = Annotated[
    bool,
    argument(
        "Whether a value that equals the stored one counts as left out. It is for clients that send a whole object back with a change in "
        "it; otherwise every value that is given holds, and no rule overwrites it."
    ),
]
OverlapArg = Annotated[
    int,
    argument(
        "For how many minutes the former token works on; by default seven days. With 0 it ends at once.",
        Constraint(min=0, max=MOST_OVERLAP_MINUTES),
    ),
]
AtomicArg = Annotated[bool, argument("Whether all items are done or none. Otherwise each is done or refused by itself.")]

_DEAL = Opportunity.__noun__
_IDS = Argument("ids", IdsArg, REQUIRED)
_VERSIONS = Argument("expected_versions", VersionsArg)
_ATOMIC = Argument("atomic", AtomicArg, default=False)
_ADMINS = "Only admins may do this."


@strawberry.type(
    description=(
        "What can be changed. Every mutation answers with the record, or with `userErrors` that say what to mend, never with both. Faults "
        "of the request as a whole, such as a missing token or a rate limit, are GraphQL errors with `extensions.code`. The mutations of a "
        "request are carried out one after the other, each in a transaction of its own; one that ends in an error is null, and the others "
        "are answered."
    )
)
class Mutation:
    """What can be done."""

    create_opportunity = creates(Opportunity)
    update_opportunity = changes(
        Opportunity,
        "A field that is left out stays as it is, null clears it, and no rule overwrites what is given.",
        VERSION,
        Argument("ignore_unchanged", UnchangedArg, default=False),
    )
    delete_opportunity = deletes(Opportunity)
    create_opportunities = with_arguments(
        BulkOpportunityPayload | None,
        [
            Argument("inputs", Annotated[list_of(_DEAL.create), argument("The opportunities to create.", _MANY)], REQUIRED),
            _ATOMIC,
            KEY,
        ],
        "Creates many opportunities, and answers with a result for each, in the order of `inputs`.",
        {WRITES: "Opportunity"},
    )
    update_opportunities = with_arguments(
        BulkOpportunityPayload | None,
        [_IDS, Argument("input", Annotated[_DEAL.update, argument("The fields that change.")], REQUIRED), _VERSIONS, _ATOMIC, KEY],
        "Makes the same change to many opportunities, and answers with a result for each, in the order of `ids`.",
        {WRITES: "Opportunity"},
    )
    delete_opportunities = with_arguments(
        BulkDeletePayload | None,
        [_IDS, _VERSIONS, _ATOMIC, KEY],
        "Deletes many opportunities for good, and answers with a result for each, in the order of `ids`.",
        {WRITES: "Opportunity"},
    )
    create_account = creates(Account)
    update_account = changes(Account, "", VERSION)
    delete_account = deletes(Account, "It is refused while there are opportunities with it; its contacts are left without an account.")
    create_contact = creates(Contact)
    update_contact = changes(Contact, "", VERSION)
    delete_contact = deletes(Contact, "The contact is taken off all opportunities.")
    create_user = creates(User, _ADMINS)
    update_user = changes(User, _ADMINS)
    create_api_key = creates(ApiKey, f"Its token is shown this once. {_ADMINS}", ApiKeyPayload)
    rotate_api_key = with_arguments(
        ApiKeyPayload | None,
        [Argument("id", IdArg, REQUIRED), Argument("overlap_minutes", OverlapArg, 10_080), KEY],
        "Gives an API key a new token, which is shown this once. The former one works on until the overlap ends, so that programs can be "
        f"given the new one meanwhile. {_ADMINS}",
        {WRITES: "ApiKey"},
    )
    revoke_api_key = with_arguments(
        DeletePayload | None,
        [Argument("id", IdArg, REQUIRED), KEY],
        f"Revokes an API key, at once. {_ADMINS}",
        {WRITES: "ApiKey"},
    )
