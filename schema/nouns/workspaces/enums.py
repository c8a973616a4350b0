"""The enums of what belongs to a workspace."""

from schema.engine.declare.enums import stored_enum

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
