"""Text is folded by NFKC, too: what is searched and sorted by is made anew from the names that it stands for.

E-mail addresses are compared as before: two that only look alike may both be there, and neither may go.

Revision 0002, 2026-11-26.
"""

from collections.abc import Callable, Iterable
from typing import Any
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PORTION = 1_000
"""Rows that are held in memory at once."""

LONGEST_NAME = 600
"""Characters of a name that is kept folded: entries of PostgreSQL's indexes have 2,704 bytes."""

Fold = Callable[[str], str]
Sources = dict[str, tuple[str, ...]]

FOLDED: dict[str, Sources] = {
    "account": {"name_folded": ("name",)},
    "contact": {"search_folded": ("name", "email")},
    "user": {"search_folded": ("name", "email")},
    "opportunity": {"name_folded": ("name",), "source_folded": ("source",)},
}
"""The source texts of each folded column, by table and column, one line each."""


def fold(text: str) -> str:
    """Fold a text as schema/rules/text.py did at this revision."""
    return normalize("NFKC", normalize("NFKC", text).casefold())


def upgrade() -> None:
    """Goes from the revision before to this one."""
    _fold_anew(fold)


def downgrade() -> None:
    """Takes back what `upgrade` did."""
    _fold_anew(str.casefold)


def _fold_anew(folded: Fold) -> None:
    connection = op.get_bind()
    touched: set[str] = set()
    for name, sources in FOLDED.items():
        columns = dict.fromkeys([*sources, *(source for each in sources.values() for source in each)])
        table = sa.table(name, *map(sa.column, ["workspace_id", "id", *columns]))
        for rows in _portions(connection, table, sources):
            touched |= _update(connection, table, sources, rows, folded)
    # Lists that clients hold by their revision are no longer what they would be given.
    workspace = sa.table("workspace", sa.column("id"), sa.column("revision"))
    for id_ in sorted(touched):
        connection.execute(workspace.update().where(workspace.c.id == id_).values(revision=workspace.c.revision + 1))


def _portions(connection: sa.Connection, table: sa.TableClause, sources: Sources) -> Iterable[Any]:
    """The rows with a text beyond ASCII, in order of their keys: all others are folded already."""
    key = sa.tuple_(table.c.workspace_id, table.c.id)
    wide = sa.or_(*(_beyond_ascii(connection, table.c[name]) for name in {name for each in sources.values() for name in each}))
    last = ("", "")
    while True:
        rows = connection.execute(sa.select(table).where(key > last, wide).order_by(table.c.workspace_id, table.c.id).limit(PORTION)).all()
        if not rows:
            return
        yield rows
        last = (rows[-1].workspace_id, rows[-1].id)


def _beyond_ascii(connection: sa.Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether the text has more bytes than characters."""
    in_bytes = sa.func.length(sa.cast(column, sa.LargeBinary)) if connection.dialect.name == "sqlite" else sa.func.octet_length(column)
    return in_bytes > sa.func.length(column)


def _update(connection: sa.Connection, table: sa.TableClause, sources: Sources, rows: Iterable[Any], folded: Fold) -> set[str]:
    """Writes what differs; the workspaces that it was in."""
    changes = []
    for row in rows:
        values = {column: _value(row, column, names, folded) for column, names in sources.items()}
        if any(getattr(row, column) != value for column, value in values.items()):
            changes.append({"in_workspace": row.workspace_id, "with_id": row.id, **values})
    if changes:
        here = (table.c.workspace_id == sa.bindparam("in_workspace")) & (table.c.id == sa.bindparam("with_id"))
        connection.execute(table.update().where(here).values({column: sa.bindparam(column) for column in sources}), changes)
    return {change["in_workspace"] for change in changes}


def _value(row: Any, column: str, names: tuple[str, ...], folded: Fold) -> str | None:
    texts = [getattr(row, name) for name in names]
    if None in texts:
        return None
    text = folded("\n".join(texts))
    return text[:LONGEST_NAME] if column == "name_folded" else text
