"""The amounts of rows to seed, and the result."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


class SeedFault(Exception):
    """The workspace can't be seeded; the message says why."""


@dataclass(frozen=True, slots=True)
class SeedSpec:
    """The numbers of rows to seed. The same spec on the same `today` (default: the UTC day) gives the same rows and ids."""

    workspace: str = "Main"
    opportunities: int = 1_000
    accounts: int | None = None
    users: int | None = None
    contacts: int | None = None
    seed: int = 1
    today: date | None = None

    @property
    def account_count(self) -> int:
        """One account to twenty opportunities, unless given."""
        return self.accounts or max(1, self.opportunities // 20)

    @property
    def user_count(self) -> int:
        """One user to five hundred opportunities, five at least, unless given."""
        return self.users or max(5, self.opportunities // 500)

    @property
    def contact_count(self) -> int:
        """Four contacts to an account, unless given."""
        return 4 * self.account_count if self.contacts is None else self.contacts

    @property
    def midnight(self) -> int:
        """Today's beginning, in seconds since 1970: nothing that is filled in is younger."""
        day = self.today or datetime.now(UTC).date()
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Seeded:
    """The numbers of rows that were seeded."""

    workspace_id: str
    rows: int
