"""Events of any noun: the record that an event is about has the name of its noun beside its id.

Revision 0007, 2026-11-26.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Goes from the revision before to this one. All earlier events are about opportunities; neither step rewrites a row."""
    op.alter_column("event", "opportunity_id", new_column_name="record_id")
    op.add_column("event", sa.Column("noun", TEXT, nullable=False, server_default="Opportunity"))


def downgrade() -> None:
    """Takes back what `upgrade` did; events of other nouns, which the older gateway can't tell, are forgotten."""
    op.execute("DELETE FROM event WHERE noun <> 'Opportunity'")
    op.drop_column("event", "noun")
    op.alter_column("event", "record_id", new_column_name="opportunity_id")
