"""What can be done. Each mutation is carried out by the action of its name in `schema.write`."""

from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from .fields import Constraint, Planned, argument, resolved
from .inputs import (
    CreateAccountInput,
    CreateApiKeyInput,
    CreateContactInput,
    CreateOpportunityInput,
    CreateUserInput,
    UpdateAccountInput,
    UpdateContactInput,
    UpdateOpportunityInput,
    UpdateUserInput,
)
from .payloads import (
    AccountPayload,
    ApiKeyPayload,
    BulkDeletePayload,
    BulkOpportunityPayload,
    ContactPayload,
    DeletePayload,
    OpportunityPayload,
    UserPayload,
)

_MANY = Constraint(max_items=250)

IdArg = Annotated[ID, argument("The id of the record.")]
IdsArg = Annotated[
    list[ID], argument("The ids of the opportunities. One that comes twice is done once, and answered at both places.", _MANY)
]
VersionArg = Annotated[
    int | None,
    argument("The version of the record that the caller has seen. If it has another one by now, nothing is done: PRECONDITION_FAILED."),
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
KeyArg = Annotated[
    str | None,
    argument(
        "Printable characters of the caller's choice, which make a retry safe: for 24 hours the same call under the same key has no second "
        "effect and gets the first answer again, with `idempotencyReplayed: true` in the extensions. Another call under the same key is an "
        "error with the code VALIDATION_ERROR.",
        Constraint(min_length=1, max_length=255),
    ),
]
AtomicArg = Annotated[bool, argument("Whether all items are done or none. Otherwise each is done or refused by itself.")]


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

    @resolved(None, "Creates an opportunity.")
    def create_opportunity(
        self,
        input: Annotated[CreateOpportunityInput, argument("The opportunity to create.")],
        idempotency_key: KeyArg = UNSET,
    ) -> OpportunityPayload | None:
        """Creates an opportunity."""
        raise Planned

    @resolved(
        None,
        "Changes an opportunity. A field that is left out stays as it is, null clears it, and no rule overwrites what is given.",
    )
    def update_opportunity(
        self,
        id: IdArg,
        input: Annotated[UpdateOpportunityInput, argument("The fields that change.")],
        expected_version: VersionArg = UNSET,
        ignore_unchanged: UnchangedArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> OpportunityPayload | None:
        """Changes a deal."""
        raise Planned

    @resolved(None, "Deletes an opportunity for good.")
    def delete_opportunity(self, id: IdArg, expected_version: VersionArg = UNSET, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Removes a deal."""
        raise Planned

    @resolved(None, "Creates many opportunities, and answers with a result for each, in the order of `inputs`.")
    def create_opportunities(
        self,
        inputs: Annotated[list[CreateOpportunityInput], argument("The opportunities to create.", _MANY)],
        atomic: AtomicArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> BulkOpportunityPayload | None:
        """Creates deals."""
        raise Planned

    @resolved(
        None,
        "Makes the same change to many opportunities, and answers with a result for each, in the order of `ids`.",
    )
    def update_opportunities(
        self,
        ids: IdsArg,
        input: Annotated[UpdateOpportunityInput, argument("The fields that change.")],
        expected_versions: VersionsArg = UNSET,
        atomic: AtomicArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> BulkOpportunityPayload | None:
        """Changes deals."""
        raise Planned

    @resolved(None, "Deletes many opportunities for good, and answers with a result for each, in the order of `ids`.")
    def delete_opportunities(
        self, ids: IdsArg, expected_versions: VersionsArg = UNSET, atomic: AtomicArg = False, idempotency_key: KeyArg = UNSET
    ) -> BulkDeletePayload | None:
        """Removes deals."""
        raise Planned

    @resolved(None, "Creates an account.")
    def create_account(
        self, input: Annotated[CreateAccountInput, argument("The account to create.")], idempotency_key: KeyArg = UNSET
    ) -> AccountPayload | None:
        """Creates an account."""
        raise Planned

    @resolved(None, "Changes an account.")
    def update_account(
        self,
        id: IdArg,
        input: Annotated[UpdateAccountInput, argument("The fields that change.")],
        expected_version: VersionArg = UNSET,
        idempotency_key: KeyArg = UNSET,
    ) -> AccountPayload | None:
        """Changes an account."""
        raise Planned

    @resolved(
        None, "Deletes an account for good. It is refused while there are opportunities with it; its contacts are left without an account."
    )
    def delete_account(self, id: IdArg, expected_version: VersionArg = UNSET, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Removes an account."""
        raise Planned

    @resolved(None, "Creates a contact.")
    def create_contact(
        self, input: Annotated[CreateContactInput, argument("The contact to create.")], idempotency_key: KeyArg = UNSET
    ) -> ContactPayload | None:
        """Creates a contact."""
        raise Planned

    @resolved(None, "Changes a contact.")
    def update_contact(
        self,
        id: IdArg,
        input: Annotated[UpdateContactInput, argument("The fields that change.")],
        expected_version: VersionArg = UNSET,
        idempotency_key: KeyArg = UNSET,
    ) -> ContactPayload | None:
        """Changes a contact."""
        raise Planned

    @resolved(None, "Deletes a contact for good. The contact is taken off all opportunities.")
    def delete_contact(self, id: IdArg, expected_version: VersionArg = UNSET, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Removes a contact."""
        raise Planned

    @resolved(None, "Creates a user. Only admins may do this.")
    def create_user(
        self, input: Annotated[CreateUserInput, argument("The user to create.")], idempotency_key: KeyArg = UNSET
    ) -> UserPayload | None:
        """Creates a user."""
        raise Planned

    @resolved(None, "Changes a user. Only admins may do this.")
    def update_user(
        self, id: IdArg, input: Annotated[UpdateUserInput, argument("The fields that change.")], idempotency_key: KeyArg = UNSET
    ) -> UserPayload | None:
        """Changes a user."""
        raise Planned

    @resolved(None, "Creates an API key. Its token is shown this once. Only admins may do this.")
    def create_api_key(
        self, input: Annotated[CreateApiKeyInput, argument("The API key to create.")], idempotency_key: KeyArg = UNSET
    ) -> ApiKeyPayload | None:
        """Creates a key."""
        raise Planned

    @resolved(None, "Revokes an API key, at once. Only admins may do this.")
    def revoke_api_key(self, id: IdArg, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Revokes a key."""
        raise Planned
