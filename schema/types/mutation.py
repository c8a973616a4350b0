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
    OpportunityPreview,
    UserPayload,
)

_MANY = Constraint(max_items=250)

IdArg = Annotated[ID, argument("The record's id.")]
IdsArg = Annotated[list[ID], argument("The records' ids.", _MANY)]
VersionArg = Annotated[int | None, argument("The version that the caller has seen; PRECONDITION_FAILED if it is no longer that.")]
KeyArg = Annotated[
    str | None,
    argument(
        "A retry under the same key has no second effect and is answered as the first was; kept for 24 hours.",
        Constraint(min_length=1, max_length=255),
    ),
]
AtomicArg = Annotated[bool, argument("All or none.")]


@strawberry.type(
    description=(
        "Every mutation answers a payload: the record, or `userErrors` saying what to mend (never both). Faults of the request as a whole "
        "(no token, forbidden, rate limit, malformed document) are GraphQL errors with `extensions.code`."
    )
)
class Mutation:
    """What can be done."""

    @resolved(None, "Creates a deal.")
    def create_opportunity(
        self,
        input: Annotated[CreateOpportunityInput, argument("The deal.")],
        idempotency_key: KeyArg = UNSET,
    ) -> OpportunityPayload:
        """Creates a deal."""
        raise Planned

    @resolved(None, "Changes a deal. Absent = unchanged, null = cleared.")
    def update_opportunity(
        self,
        id: IdArg,
        input: Annotated[UpdateOpportunityInput, argument("What changes.")],
        expected_version: VersionArg = UNSET,
        idempotency_key: KeyArg = UNSET,
    ) -> OpportunityPayload:
        """Changes a deal."""
        raise Planned

    @resolved(None, "Removes a deal for good.")
    def delete_opportunity(self, id: IdArg, expected_version: VersionArg = UNSET) -> DeletePayload:
        """Removes a deal."""
        raise Planned

    @resolved(None, "Creates at most 250 deals; each stands or falls by itself unless `atomic`. Results in the order of the input.")
    def create_opportunities(
        self,
        inputs: Annotated[list[CreateOpportunityInput], argument("The deals.", _MANY)],
        atomic: AtomicArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> BulkOpportunityPayload:
        """Creates deals."""
        raise Planned

    @resolved(None, "Makes the same change to at most 250 deals; each stands or falls by itself unless `atomic`.")
    def update_opportunities(
        self,
        ids: IdsArg,
        input: Annotated[UpdateOpportunityInput, argument("What changes.")],
        atomic: AtomicArg = False,
    ) -> BulkOpportunityPayload:
        """Changes deals."""
        raise Planned

    @resolved(None, "Removes at most 250 deals for good; each stands or falls by itself unless `atomic`.")
    def delete_opportunities(self, ids: IdsArg, atomic: AtomicArg = False) -> BulkDeletePayload:
        """Removes deals."""
        raise Planned

    @resolved(None, "Shows what an update would change and what would stop it, and writes nothing.")
    def preview_update_opportunity(
        self,
        id: IdArg,
        input: Annotated[UpdateOpportunityInput, argument("What would change.")],
    ) -> OpportunityPreview:
        """Shows what an update would do."""
        raise Planned

    @resolved(None, "Creates an account.")
    def create_account(self, input: Annotated[CreateAccountInput, argument("The account.")]) -> AccountPayload:
        """Creates an account."""
        raise Planned

    @resolved(None, "Changes an account.")
    def update_account(
        self,
        id: IdArg,
        input: Annotated[UpdateAccountInput, argument("What changes.")],
        expected_version: VersionArg = UNSET,
    ) -> AccountPayload:
        """Changes an account."""
        raise Planned

    @resolved(None, "Removes an account. Refused while opportunities hang on it; its contacts are left without an account.")
    def delete_account(self, id: IdArg, expected_version: VersionArg = UNSET) -> DeletePayload:
        """Removes an account."""
        raise Planned

    @resolved(None, "Creates a contact.")
    def create_contact(self, input: Annotated[CreateContactInput, argument("The contact.")]) -> ContactPayload:
        """Creates a contact."""
        raise Planned

    @resolved(None, "Changes a contact.")
    def update_contact(
        self,
        id: IdArg,
        input: Annotated[UpdateContactInput, argument("What changes.")],
        expected_version: VersionArg = UNSET,
    ) -> ContactPayload:
        """Changes a contact."""
        raise Planned

    @resolved(None, "Removes a contact. It leaves every opportunity's contacts.")
    def delete_contact(self, id: IdArg, expected_version: VersionArg = UNSET) -> DeletePayload:
        """Removes a contact."""
        raise Planned

    @resolved(None, "Creates a user. Admins only.")
    def create_user(self, input: Annotated[CreateUserInput, argument("The user.")]) -> UserPayload:
        """Creates a user."""
        raise Planned

    @resolved(None, "Changes a user. Admins only.")
    def update_user(self, id: IdArg, input: Annotated[UpdateUserInput, argument("What changes.")]) -> UserPayload:
        """Changes a user."""
        raise Planned

    @resolved(None, "Creates a key; its token is shown this once. Admins only.")
    def create_api_key(self, input: Annotated[CreateApiKeyInput, argument("The key.")]) -> ApiKeyPayload:
        """Creates a key."""
        raise Planned

    @resolved(None, "Revokes a key, at once. Admins only.")
    def revoke_api_key(self, id: IdArg) -> DeletePayload:
        """Revokes a key."""
        raise Planned
