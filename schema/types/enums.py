"""The enums of the graph."""

from ..engine.declare.enums import plain_enum, stored_enum
from ..rules.stages import STAGES
from .sentences import Deal

OpportunityStage = stored_enum(
    "OpportunityStage",
    "The stages of the pipeline, in their order. REST writes them in lower case; `stages` has their names for people.",
    {stage.name: (stage.position, f"{stage.label}, written `{stage.value}` in REST.") for stage in STAGES},
)
ProbabilitySource = stored_enum(
    "ProbabilitySource",
    "Where the probability of an opportunity comes from.",
    {
        "STAGE_DEFAULT": (False, "The probability is the default of the stage."),
        "MANUAL": (True, "Someone gave the probability, and it stays when the opportunity moves from one open stage to another."),
    },
)
Role = stored_enum(
    "Role",
    "What a user or an API key may do.",
    {
        "ADMIN": ("admin", "May read and write everything, users and API keys included."),
        "MEMBER": ("member", "May read and write all accounts, contacts and opportunities."),
        "VIEWER": ("viewer", "May only read; if it is limited to an account, only what belongs to that account."),
    },
)
Direction = plain_enum(
    "Direction",
    "Which end of an order comes first.",
    {
        "ASC": "The smallest comes first; records without a value come last.",
        "DESC": "The greatest comes first; records without a value come last.",
    },
)
OpportunityOrderField = plain_enum(
    "OpportunityOrderField",
    "What opportunities can be ordered by.",
    {
        "NAME": Deal.NAME,
        "VALUE": Deal.VALUE,
        "STAGE": Deal.STAGE,
        "PROBABILITY": Deal.PROBABILITY,
        "CLOSE_DATE": Deal.CLOSE_DATE,
        "CREATED_AT": Deal.CREATED_AT,
        "UPDATED_AT": Deal.UPDATED_AT,
    },
)
ErrorCode = plain_enum(
    "ErrorCode",
    "The kinds of faults for which something is not done.",
    {
        "VALIDATION_ERROR": "A value breaks a rule; `field` says which value.",
        "NOT_FOUND": "There is no such record; without `field` it is the one to be changed.",
        "PRECONDITION_FAILED": "The record has another version than the caller expects.",
        "CONFLICT": "Another record stands in the way of the change.",
    },
)
ErrorReason = plain_enum(
    "ErrorReason",
    "The faults for which something is not done, for frontends to word in their own language.",
    {
        "REQUIRED": "A value that is needed is missing.",
        "NULL": "A value is null that cannot be cleared.",
        "TOO_LONG": "A text or a list is longer than allowed.",
        "TOO_SHORT": "A text is shorter than allowed, after blanks around it are taken off.",
        "OUT_OF_RANGE": "A number or an instant is out of its range.",
        "MALFORMED": "A value does not have the form that it must have.",
        "NOT_FOUND": "A record does not exist, or the caller may not see it.",
        "DUPLICATE": "A value is given twice, or another record has it already.",
        "NOT_CLOSED": "An opportunity that is not closed can have no `closedDate`.",
        "NOT_LOST": "An opportunity that is not lost can have no `lossReason`.",
        "CLOSED_WITHOUT_DATE": "A closed opportunity must have a `closedDate`.",
        "VERSION": "The version of the record is not the expected one: someone changed it.",
        "IN_USE": "Other records still refer to the record.",
        "LAST_ADMIN": "The user is the last active one with the role ADMIN.",
        "FORBIDDEN": "The role of the caller does not allow this.",
        "KEY_REUSED": "The idempotency key was used for another call before.",
        "OTHER": "A rule without a reason of its own is broken; the message says which.",
    },
)
Period = plain_enum(
    "Period",
    "How long each period of a forecast is.",
    {"MONTH": "One calendar month.", "QUARTER": "Three calendar months, from January on.", "YEAR": "One calendar year."},
)
RestUsageKind = stored_enum(
    "RestUsageKind",
    "What part of REST was used.",
    {
        "ROUTE": ("route", "A route was called."),
        "PARAMETER": ("parameter", "A query parameter was given."),
        "FIELD": ("field", "A field was sent in a body, or asked for by `fields`."),
        "WHOLE_OBJECT": ("whole_object", "An object was read whole in which the named field is deprecated."),
        "IGNORED": ("ignored", "A query parameter, or a key of a body, was given that had no effect; its name is percent-encoded."),
        "REFUSED": ("refused", "A call was refused; the name is the code of the error."),
    },
)
GraphqlUsageKind = stored_enum(
    "GraphqlUsageKind",
    "What of GraphQL was used.",
    {
        "OPERATION": ("operation", "An operation was run."),
        "FIELD": ("field", "An operation that was run asked for a field."),
    },
)
EventType = plain_enum(
    "EventType",
    "What happened to an opportunity.",
    {
        "CREATED": "The opportunity was created, or it changed so that the caller may see it now.",
        "UPDATED": "The opportunity changed. This is also told, once, when it no longer matches the filter.",
        "DELETED": "The opportunity was deleted, or it changed so that the caller may no longer see it.",
    },
)
