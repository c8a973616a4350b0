"""Opportunities: the five routes of the reference."""

from pathlib import Path

from rest_compat.resources.declaration import Key, Parameter, Resource

OPPORTUNITIES = Resource(
    name="opportunities",
    one="an opportunity",
    type="Opportunity",
    folder=Path(__file__).parent,
    keys=(
        Key(name="id", example="opp_01JZ8Q5W9T6D3M2K7R4X1B0CVA"),
        Key(name="name", example="TechCorp — Professional Services Q2"),
        Key(name="accountId", path="account.id", example="acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB"),
        Key(name="accountName", path="account.name", example="TechCorp Inc", description="It is changed at the account."),
        Key(name="value", example=24000),
        Key(name="stage", example="qualification"),
        Key(name="probability", example=40),
        Key(name="closeDate", example="2025-06-30"),
        Key(name="closedDate"),
        Key(name="lossReason"),
        Key(name="assignedTo", path="assignedTo.id", input="assignedToId", example="usr_01JZ8Q5W9T6D3M2K7R4X1B0CVC"),
        Key(name="assignedToName", path="assignedTo.name", example="Alex Johnson"),
        Key(name="source", example="outbound"),
        Key(
            name="contactIds",
            path="contacts[].id",
            example=["cnt_01JZ8Q5W9T6D3M2K7R4X1B0CVD", "cnt_01JZ8Q5W9T6D3M2K7R4X1B0CVE"],
            description="In the order given.",
        ),
        Key(name="description", example="Professional services engagement for data migration project"),
        Key(name="createdAt", example="2025-03-01T12:00:00Z"),
        Key(name="updatedAt", example="2025-03-01T12:00:00Z"),
    ),
    listed=(
        "id",
        "name",
        "accountId",
        "accountName",
        "value",
        "stage",
        "probability",
        "closeDate",
        "assignedTo",
        "source",
        "createdAt",
        "updatedAt",
    ),
    parameters=(
        Parameter(
            name="stage",
            to="filter.stage",
            description="Only opportunities in this stage; several, separated by commas, mean any of them.",
            example="qualification",
        ),
        Parameter(
            name="accountId",
            to="filter.accountId",
            description="Only opportunities with this account; several, separated by commas, mean any of them.",
            example="acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB",
        ),
        Parameter(
            name="assignedTo",
            to="filter.assignedToId",
            description="Only opportunities that this user looks after; several, separated by commas, mean any of them.",
            example="usr_01JZ8Q5W9T6D3M2K7R4X1B0CVC",
        ),
        Parameter(
            name="closeDateAfter",
            to="filter.closeDate.gte",
            description="Only opportunities that are expected to close on this day or later.",
            example="2025-01-01",
        ),
        Parameter(
            name="closeDateBefore",
            to="filter.closeDate.lte",
            description="Only opportunities that are expected to close on this day or earlier.",
            example="2025-12-31",
        ),
        Parameter(
            name="valueMin", to="filter.value.gte", description="Only opportunities that are worth this much or more.", example=10000
        ),
        Parameter(
            name="valueMax", to="filter.value.lte", description="Only opportunities that are worth this much or less.", example=50000
        ),
        Parameter(
            name="search",
            to="filter.name.contains",
            description="Only opportunities with this text in the name; upper and lower case are alike.",
            example="services",
        ),
    ),
    examples={
        "create": {
            "New opportunity": {
                "name": "TechCorp — Professional Services Q2",
                "accountId": "acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB",
                "value": 24000,
                "stage": "qualification",
                "probability": 40,
                "closeDate": "2025-06-30",
                "assignedTo": "usr_01JZ8Q5W9T6D3M2K7R4X1B0CVC",
                "source": "outbound",
                "contactIds": ["cnt_01JZ8Q5W9T6D3M2K7R4X1B0CVD", "cnt_01JZ8Q5W9T6D3M2K7R4X1B0CVE"],
                "description": "Professional services engagement for data migration project",
            },
            "Only what is required": {"name": "TechCorp — Support", "accountId": "acc_01JZ8Q5W9T6D3M2K7R4X1B0CVB"},
        },
        "update": {
            "Close an opportunity": {"stage": "closed_won", "closedDate": "2025-03-25", "probability": 100},
            "Log a loss": {"stage": "closed_lost", "lossReason": "Chose competitor — price was primary objection"},
        },
    },
    graphql_only=("probabilitySource", "weightedValue", "version", "stageHistory"),
)
