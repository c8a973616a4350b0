"""Accounts, in the manner of opportunities."""

from pathlib import Path

from rest_compat.resources.declaration import Key, Parameter, Resource

ACCOUNTS = Resource(
    name="accounts",
    one="an account",
    type="Account",
    folder=Path(__file__).parent,
    keys=(
        Key(name="id", example="acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB"),
        Key(name="name", example="TechCorp Inc"),
        Key(name="website", example="https://techcorp.example"),
        Key(name="industry", example="Software"),
        Key(name="createdAt", example="2025-01-20T10:00:00Z"),
        Key(name="updatedAt", example="2025-03-15T09:30:00Z"),
    ),
    listed=("id", "name", "website", "industry", "createdAt", "updatedAt"),
    parameters=(
        Parameter(
            name="search",
            to="search",
            description="Only accounts with this text in the name; upper and lower case are alike.",
            example="tech",
        ),
    ),
    examples={
        "create": {"New account": {"name": "TechCorp Inc", "website": "https://techcorp.example", "industry": "Software"}},
        "update": {"Correct the industry": {"industry": "Consulting"}},
    },
    graphql_only=("version", "contacts", "opportunities"),
)
