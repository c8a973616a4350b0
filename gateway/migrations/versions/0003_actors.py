"""The API key that made a stage change or an event.

Revision 0003, 2026-11-26.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TABLES = ("stage_change", "event")


def upgrade() -> None:
    """Goes from the revision before to this one. A nullable column without a default takes both databases no rewriting of rows."""
    for table in TABLES:
        op.add_column(table, sa.Column("by_key_id", TEXT, nullable=True))


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    for table in TABLES:
        op.drop_column(table, "by_key_id")
