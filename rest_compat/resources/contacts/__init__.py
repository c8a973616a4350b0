"""Contacts, in the manner of opportunities."""

from pathlib import Path

from rest_compat.resources.declaration import Key, Parameter, Resource

CONTACTS = Resource(
    name="contacts",
    one="a contact",
    type="Contact",
    folder=Path(__file__).parent,
    keys=(
        Key(name="id", example="cnt_01JZ8Q5W9T6D3M2K7R4X1B0CVD"),
        Key(name="firstName", example="Sam"),
        Key(name="lastName", example="Rivera"),
        Key(name="name", example="Sam Rivera", description="First and last name, as far as given."),
        Key(name="email", example="sam.rivera@techcorp.example"),
        Key(name="phone", example="+1 555 0100"),
        Key(name="title", example="Head of IT"),
        Key(name="accountId", path="account.id", example="acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB"),
        Key(name="accountName", path="account.name", example="TechCorp Inc", description="It is changed at the account."),
        Key(name="createdAt", example="2025-01-20T10:00:00Z"),
        Key(name="updatedAt", example="2025-03-15T09:30:00Z"),
    ),
    listed=("id", "firstName", "lastName", "name", "email", "phone", "title", "accountId", "accountName", "createdAt", "updatedAt"),
    parameters=(
        Parameter(
            name="search",
            to="search",
            description="Only contacts with this text in the name or the e-mail address; upper and lower case are alike.",
            example="rivera",
        ),
        Parameter(
            name="accountId",
            to="accountId",
            description="Only contacts who work for this account.",
            example="acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB",
        ),
    ),
    examples={
        "create": {
            "New contact": {
                "firstName": "Sam",
                "lastName": "Rivera",
                "email": "sam.rivera@techcorp.example",
                "accountId": "acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB",
            }
        },
        "update": {"A new number": {"phone": "+1 555 0100"}},
    },
    graphql_only=("version", "opportunities"),
)
