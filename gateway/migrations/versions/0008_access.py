"""Scopes of keys, the former token of a rotated key, and the audit list.

Revision 0008, 2026-11-26.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.String(20).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
COLUMNS = {
    "scopes": TEXT,
    "previous_hash": TEXT,
    "rotated_at": INSTANT,
    "previous_token_expires_at": INSTANT,
    "previous_token_last_used_at": INSTANT,
}


def upgrade() -> None:
    """Goes from the revision before to this one. Nullable columns without a default take both databases no rewriting of rows."""
    for name, type_ in COLUMNS.items():
        op.add_column("api_key", sa.Column(name, type_, nullable=True))
    op.create_index("ix_api_key_previous", "api_key", ["previous_hash"], unique=True)
    op.create_table(
        "audit_entry",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("by_id", TEXT, nullable=True),
        sa.Column("by_key_id", TEXT, nullable=True),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("api_key_id", TEXT, nullable=True),
        sa.Column("changed_fields", TEXT, nullable=False),
        sa.Column("details", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_newest", "audit_entry", ["workspace_id", "created_at", "id"])


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    op.drop_table("audit_entry")
    op.drop_index("ix_api_key_previous", "api_key")
    for name in reversed(COLUMNS):
        op.drop_column("api_key", name)
