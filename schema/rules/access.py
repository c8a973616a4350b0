"""The caller and its permissions."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

MOST_OVERLAP_MINUTES = 90 * 24 * 60
"""The most minutes for which the former token of a key works beside the new one."""


class Role(StrEnum):
    """ADMIN does everything, MEMBER reads and writes all CRM records, VIEWER only reads."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def may_write(self) -> bool:
        """Whether CRM records may be changed."""
        return self is not Role.VIEWER


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `user_id` is None for an API key; `account_id` is the one account that a viewer is limited to.

    `token_id` (`key_…` or `usr_…`, empty for the command line) owns idempotency keys, rate budgets and usage counts.
    `expires_at` is `YYYY-MM-DDTHH:MM:SSZ`. `scopes` narrow what the role allows; None narrows nothing.
    """

    workspace_id: str
    role: Role
    user_id: str | None
    account_id: str | None
    token_id: str
    token_name: str | None = None
    expires_at: str | None = None
    scopes: frozenset[str] | None = None
    limited_to: str | None = field(init=False, repr=False, compare=False)
    """The id of the one record to which a viewer is limited, with what belongs to it; None where it sees everything."""
    visibility: str = field(init=False, repr=False, compare=False)
    """All that decides which records are seen, as a text: callers of equal visibility get equal answers."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "limited_to", self.account_id)
        object.__setattr__(self, "visibility", f"{self.workspace_id}/{self.role}/{self.account_id or ''}")

    @property
    def key_id(self) -> str | None:
        """The id of the API key that is calling; None for a user's token and for the command line."""
        return (self.token_id or None) if self.user_id is None else None

    def has_rights_of(self, other: "Caller") -> bool:
        """Whether the token may do exactly what that of `other` may; when either expires says nothing about that."""
        return self == other or replace(self, expires_at=None) == replace(other, expires_at=None)
