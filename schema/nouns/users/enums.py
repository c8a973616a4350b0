"""The enums of users and API keys: what they may do, and what was done to them."""

from schema.engine.declare.conditions import enum_conditions
from schema.engine.declare.enums import stored_enum
from schema.engine.declare.types import filter_enum

Role = stored_enum(
    "Role",
    "What a user or an API key may do.",
    {
        "ADMIN": ("admin", "May read and write everything, users and API keys included."),
        "MEMBER": ("member", "May read and write all accounts, contacts and opportunities."),
        "VIEWER": ("viewer", "May only read; if it is limited to an account, only what belongs to that account."),
    },
)
filter_enum(Role, enum_conditions("RoleFilter", Role, "the role"))
AuditKind = stored_enum(
    "AuditKind",
    "What was done to a user or an API key.",
    {
        "KEY_CREATED": ("key_created", "An API key was created."),
        "KEY_ROTATED": ("key_rotated", "An API key was given a new token."),
        "KEY_REVOKED": ("key_revoked", "An API key was revoked."),
        "USER_CREATED": ("user_created", "A user was created."),
        "USER_CHANGED": ("user_changed", "A user was changed."),
    },
)
filter_enum(AuditKind, enum_conditions("AuditKindFilter", AuditKind, "the kind"))
