"""The enums of the graph. Their values are their names: what the drivers hold is translated by the planner's formats."""

from enum import Enum
from typing import Any

import strawberry

from ..rules.stages import STAGES


def _named(name: str, members: dict[str, str], description: str) -> Any:
    """An enum whose values are its names, each with its description."""
    values = {member: strawberry.enum_value(member, description=text) for member, text in members.items()}
    return strawberry.enum(Enum(name, values), description=description)  # type: ignore[call-overload]


OpportunityStage = _named(
    "OpportunityStage",
    {stage.name: f"{stage.label}: `{stage.value}` in REST." for stage in STAGES},
    "The value on the REST side is the lower-case name. In order of the pipeline; `label` is in `stages`.",
)
ProbabilitySource = _named(
    "ProbabilitySource",
    {"STAGE_DEFAULT": "The stage's default.", "MANUAL": "Given by someone."},
    "Whether the probability is the stage's default or was given by someone.",
)
Role = _named(
    "Role",
    {
        "ADMIN": "Everything.",
        "MEMBER": "Reads and writes all CRM records.",
        "VIEWER": "Only reads; one account's records, if linked to it.",
    },
    "What a user or a key may do.",
)
Direction = _named("Direction", {"ASC": "Smallest first, nulls last.", "DESC": "Greatest first, nulls last."}, "The direction of an order.")
OpportunityOrderField = _named(
    "OpportunityOrderField",
    {
        "NAME": "By case-folded code points.",
        "VALUE": "By value.",
        "STAGE": "By the place in the pipeline.",
        "PROBABILITY": "By probability.",
        "CLOSE_DATE": "By the date it is expected to close.",
        "CREATED_AT": "By creation.",
        "UPDATED_AT": "By the last change.",
    },
    "What opportunities are ordered by.",
)
ErrorCode = _named(
    "ErrorCode",
    {
        "VALIDATION_ERROR": "A value breaks a rule; `field` says which.",
        "NOT_FOUND": "No such record; without `field`, the one that was to be changed.",
        "PRECONDITION_FAILED": "`expectedVersion` isn't the record's version.",
        "CONFLICT": "Another record stands in the way.",
    },
    "Why a mutation did not happen.",
)
Period = _named(
    "Period",
    {"MONTH": "Calendar months.", "QUARTER": "Calendar quarters.", "YEAR": "Calendar years."},
    "The length of a forecast's periods.",
)
RestUsageKind = _named(
    "RestUsageKind",
    {
        "ROUTE": "A route was called.",
        "PARAMETER": "A query parameter was given.",
        "FIELD": "A field was sent in a body, or asked for by `fields`.",
    },
    "What part of REST was used.",
)
EventType = _named(
    "EventType",
    {"CREATED": "It came to be, or came into sight.", "UPDATED": "It changed.", "DELETED": "It is gone, or out of sight."},
    "What happened.",
)
