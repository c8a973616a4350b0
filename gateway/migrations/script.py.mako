"""${message}.

Revision ${up_revision}, after ${down_revision or "none" | comma,n}, ${create_date.date()}.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = ${repr(down_revision).replace("'", '"')}
branch_labels = ${repr(branch_labels[0] if branch_labels else None).replace("'", '"')}
depends_on = None

# What the column types of schema/storage/columns.py were at this revision.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.String(20).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
DAY = sa.Date()


def upgrade() -> None:
    """Goes from the revision before to this one."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    ${downgrades if downgrades else "pass"}
