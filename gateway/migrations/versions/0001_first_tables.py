"""The first tables.

Revision 0001, 2026-11-24.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What the column types of schema/storage/columns.py were at this revision.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.String(20).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
DAY = sa.Date()


NOTIFY = (
    """
    CREATE FUNCTION gateway_notify() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('gateway_events', NEW.workspace_id); RETURN NULL; END $$
    """,
    "CREATE TRIGGER event_notify AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION gateway_notify()",
)
"""Wakes the processes that follow events; sent at commit, once a transaction and workspace."""


def upgrade() -> None:
    """Goes from the revision before to this one."""
    op.create_table(
        "workspace",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("website", TEXT, nullable=True),
        sa.Column("industry", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_account_newest", "account", ["workspace_id", "created_at", "id"])
    op.create_table(
        "event",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("opportunity_id", TEXT, nullable=False),
        sa.Column("changed_fields", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=True),
        sa.Column("after", TEXT, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by_id", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "revision", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "token_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_age", "idempotency_key", ["workspace_id", "created_at"])
    op.create_table(
        "rest_usage",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("route", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_used_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "token_id", "route", "kind", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_key",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "account_id"], ["account.workspace_id", "account.id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "contact",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("first_name", TEXT, nullable=True),
        sa.Column("last_name", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("search_folded", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_folded", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "account_id"], ["account.workspace_id", "account.id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("workspace_id", "email_folded"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contact_account", "contact", ["workspace_id", "account_id", "created_at", "id"])
    op.create_index("ix_contact_newest", "contact", ["workspace_id", "created_at", "id"])
    op.create_table(
        "user",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("search_folded", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_folded", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "account_id"], ["account.workspace_id", "account.id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("workspace_id", "email_folded"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opportunity",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("value_cents", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("probability", sa.SmallInteger(), nullable=False),
        sa.Column("probability_manual", sa.Boolean(), nullable=False),
        sa.Column("close_date", DAY, nullable=True),
        sa.Column("closed_date", DAY, nullable=True),
        sa.Column("loss_reason", TEXT, nullable=True),
        sa.Column("assigned_to_id", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("source_folded", TEXT, nullable=True),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("stage_since", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("probability BETWEEN 0 AND 100", name="probability_percent"),
        sa.CheckConstraint("stage BETWEEN 0 AND 6", name="stage_known"),
        sa.ForeignKeyConstraint(["workspace_id", "account_id"], ["account.workspace_id", "account.id"]),
        sa.ForeignKeyConstraint(["workspace_id", "assigned_to_id"], ["user.workspace_id", "user.id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    op.create_index("ix_opportunity_account", "opportunity", ["workspace_id", "account_id", "created_at", "id"])
    op.create_index("ix_opportunity_close", "opportunity", ["workspace_id", "close_date", "id", "value_cents", "stage"])
    op.create_index("ix_opportunity_name", "opportunity", ["workspace_id", "name_folded", "id"])
    op.create_index("ix_opportunity_newest", "opportunity", ["workspace_id", "created_at", "id", "stage", "close_date", "value_cents"])
    op.create_index("ix_opportunity_owner", "opportunity", ["workspace_id", "assigned_to_id", "created_at", "id"])
    op.create_index("ix_opportunity_stage", "opportunity", ["workspace_id", "stage", "created_at", "id"])
    op.create_index("ix_opportunity_updated", "opportunity", ["workspace_id", "updated_at", "id"])
    op.create_index("ix_opportunity_value", "opportunity", ["workspace_id", "value_cents", "id", "close_date", "stage"])
    op.create_table(
        "opportunity_contact",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("opportunity_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("contact_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id", "contact_id"], ["contact.workspace_id", "contact.id"]),
        sa.ForeignKeyConstraint(["workspace_id", "opportunity_id"], ["opportunity.workspace_id", "opportunity.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "opportunity_id", "position"),
        sa.UniqueConstraint("workspace_id", "contact_id", "opportunity_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stage_change",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("opportunity_id", TEXT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_stage", sa.SmallInteger(), nullable=True),
        sa.Column("to_stage", sa.SmallInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by_id", TEXT, nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id", "opportunity_id"], ["opportunity.workspace_id", "opportunity.id"]),
        sa.PrimaryKeyConstraint("workspace_id", "opportunity_id", "sequence"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in NOTIFY:
            op.execute(statement)


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER event_notify ON event")
        op.execute("DROP FUNCTION gateway_notify")
    op.drop_table("stage_change")
    op.drop_table("opportunity_contact")
    op.drop_table("opportunity")
    op.drop_table("user")
    op.drop_table("contact")
    op.drop_table("api_key")
    op.drop_table("rest_usage")
    op.drop_table("idempotency_key")
    op.drop_table("event")
    op.drop_table("account")
    op.drop_table("workspace")
