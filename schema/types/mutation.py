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
IdsArg = Annotated[list[ID], argument("The ids of the opportunities. An id that comes twice is done once.", _MANY)]
VersionArg = Annotated[
    int | None, argument("The version of the record that the caller has seen. If it is another one by now: PRECONDITION_FAILED.")
]
VersionsArg = Annotated[
    list[int | None] | None,
    argument("For each of `ids` the version that the caller has seen, null where any will do. As many as `ids`.", _MANY),
]
UnchangedArg = Annotated[
    bool,
    argument(
        "Values that equal the stored ones count as absent. For clients that send a whole object back with some change in it: otherwise "
        "what is named, holds, and no rule overwrites it."
    ),
]
KeyArg = Annotated[
    str | None,
    argument(
        "Printable characters of the caller's choice. A retry of the call under the same key has no second effect and is "
        "answered as the first was, for 24 hours, with `idempotencyReplayed: true` in the extensions. Another call under the same key "
        "is an error with the code VALIDATION_ERROR.",
        Constraint(min_length=1, max_length=255),
    ),
]
AtomicArg = Annotated[bool, argument("All are done, or none.")]


@strawberry.type(
    description=(
        "Every mutation answers a payload: the record, or `userErrors` saying what to mend (never both). Faults of the request as a whole "
        "(no token, forbidden, rate limit, malformed document) are GraphQL errors with `extensions.code`. Mutations of one request are "
        "carried out one after the other, each in a transaction of its own. One that ends in an error is null; the others are answered."
    )
)
class Mutation:
    """What can be done."""

    @resolved(None, "Creates an opportunity.")
    def create_opportunity(
        self,
        input: Annotated[CreateOpportunityInput, argument("The new opportunity.")],
        idempotency_key: KeyArg = UNSET,
    ) -> OpportunityPayload | None:
        """Creates an opportunity."""
        raise Planned

    @resolved(
        None,
        "Changes an opportunity. Absent = unchanged, null = cleared. What is named, holds; with `ignoreUnchanged` values equal to the "
        "stored ones count as absent.",
    )
    def update_opportunity(
        self,
        id: IdArg,
        input: Annotated[UpdateOpportunityInput, argument("What changes.")],
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

    @resolved(None, "Creates at most 250 opportunities. Each stands or falls by itself unless `atomic`. Results in the order of the input.")
    def create_opportunities(
        self,
        inputs: Annotated[list[CreateOpportunityInput], argument("The new opportunities.", _MANY)],
        atomic: AtomicArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> BulkOpportunityPayload | None:
        """Creates deals."""
        raise Planned

    @resolved(
        None,
        "Changes at most 250 opportunities alike. Each stands or falls by itself unless `atomic`. Results in the order of `ids`.",
    )
    def update_opportunities(
        self,
        ids: IdsArg,
        input: Annotated[UpdateOpportunityInput, argument("What changes.")],
        expected_versions: VersionsArg = UNSET,
        atomic: AtomicArg = False,
        idempotency_key: KeyArg = UNSET,
    ) -> BulkOpportunityPayload | None:
        """Changes deals."""
        raise Planned

    @resolved(
        None, "Deletes at most 250 opportunities for good. Each stands or falls by itself unless `atomic`. Results in the order of `ids`."
    )
    def delete_opportunities(
        self, ids: IdsArg, expected_versions: VersionsArg = UNSET, atomic: AtomicArg = False, idempotency_key: KeyArg = UNSET
    ) -> BulkDeletePayload | None:
        """Removes deals."""
        raise Planned

    @resolved(None, "Creates an account.")
    def create_account(
        self, input: Annotated[CreateAccountInput, argument("The account.")], idempotency_key: KeyArg = UNSET
    ) -> AccountPayload | None:
        """Creates an account."""
        raise Planned

    @resolved(None, "Changes an account.")
    def update_account(
        self,
        id: IdArg,
        input: Annotated[UpdateAccountInput, argument("What changes.")],
        expected_version: VersionArg = UNSET,
        idempotency_key: KeyArg = UNSET,
    ) -> AccountPayload | None:
        """Changes an account."""
        raise Planned

    @resolved(None, "Removes an account. Refused while opportunities hang on it; its contacts are left without an account.")
    def delete_account(self, id: IdArg, expected_version: VersionArg = UNSET, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Removes an account."""
        raise Planned

    @resolved(None, "Creates a contact.")
    def create_contact(
        self, input: Annotated[CreateContactInput, argument("The contact.")], idempotency_key: KeyArg = UNSET
    ) -> ContactPayload | None:
        """Creates a contact."""
        raise Planned

    @resolved(None, "Changes a contact.")
    def update_contact(
        self,
        id: IdArg,
        input: Annotated[UpdateContactInput, argument("What changes.")],
        expected_version: VersionArg = UNSET,
        idempotency_key: KeyArg = UNSET,
    ) -> ContactPayload | None:
        """Changes a contact."""
        raise Planned

    @resolved(None, "Removes a contact. It leaves every opportunity's contacts.")
    def delete_contact(self, id: IdArg, expected_version: VersionArg = UNSET, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Removes a contact."""
        raise Planned

    @resolved(None, "Creates a user. Admins only.")
    def create_user(self, input: Annotated[CreateUserInput, argument("The user.")], idempotency_key: KeyArg = UNSET) -> UserPayload | None:
        """Creates a user."""
        raise Planned

    @resolved(None, "Changes a user. Admins only.")
    def update_user(
        self, id: IdArg, input: Annotated[UpdateUserInput, argument("What changes.")], idempotency_key: KeyArg = UNSET
    ) -> UserPayload | None:
        """Changes a user."""
        raise Planned

    @resolved(None, "Creates a key; its token is shown this once. Admins only.")
    def create_api_key(
        self, input: Annotated[CreateApiKeyInput, argument("The key.")], idempotency_key: KeyArg = UNSET
    ) -> ApiKeyPayload | None:
        """Creates a key."""
        raise Planned

    @resolved(None, "Revokes a key, at once. Admins only.")
    def revoke_api_key(self, id: IdArg, idempotency_key: KeyArg = UNSET) -> DeletePayload | None:
        """Revokes a key."""
        raise Planned
