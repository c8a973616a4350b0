"""What users and API keys may do."""

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
