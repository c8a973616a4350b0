"""How far events are pruned, and which process sweeps.

Revision 0004, 2026-11-26.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.String(20).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Goes from the revision before to this one. Earlier cursors are no longer read, so earlier pruning needs no record."""
    op.create_table(
        "pruned_events",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sweep",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    op.drop_table("sweep")
    op.drop_table("pruned_events")
