"""Names for the constraints of a new revision: without one SQLite can't add a constraint to a table, and nothing can take it away."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from alembic.operations import ops
from sqlalchemy import Constraint, ForeignKeyConstraint, UniqueConstraint

_LONGEST = 63
"""Characters of a name that PostgreSQL keeps."""


def name_constraints(script: ops.MigrationScript) -> None:
    """Gives each constraint of a new revision a name, of its table and columns, on the way up and down."""
    for half in (script.upgrade_ops, script.downgrade_ops):
        for each in _operations(half):
            if isinstance(each, ops.CreateTableOp):
                _name_inline(each)
            elif isinstance(each, ops.CreateUniqueConstraintOp):
                each.constraint_name = each.constraint_name or _name("uq", each.table_name, each.columns)
            elif isinstance(each, ops.CreateForeignKeyOp):
                each.constraint_name = each.constraint_name or _name("fk", each.source_table, each.local_cols)
            elif isinstance(each, ops.DropConstraintOp) and each.constraint_name is None:
                each.constraint_name = _name_of_dropped(each)


def _operations(container: Any) -> Iterator[Any]:
    for each in container.ops:
        if isinstance(each, ops.OpContainer):
            yield from _operations(each)
        else:
            yield each


def _name_inline(table: ops.CreateTableOp) -> None:
    for each in table.columns:
        if isinstance(each, UniqueConstraint | ForeignKeyConstraint) and each.name is None:
            kind = "uq" if isinstance(each, UniqueConstraint) else "fk"
            each.name = _name(kind, table.table_name, _columns_of(each))


def _name_of_dropped(dropped: ops.DropConstraintOp) -> str | None:
    constraint = dropped.to_constraint()
    return _name("uq" if isinstance(constraint, UniqueConstraint) else "fk", dropped.table_name, _columns_of(constraint))


def _columns_of(constraint: Constraint) -> Sequence[str]:
    found: Any = constraint
    return [column if isinstance(column, str) else column.name for column in getattr(found, "column_keys", None) or found.columns]


def _name(kind: str, table: str, columns: Sequence[Any]) -> str:
    """A name that fits. One that is cut ends in a hash of the whole: two long ones may begin alike."""
    named = [str(column) for column in columns if column != "workspace_id"] or ["workspace_id"]
    name = "_".join([kind, table, *named])
    if len(name) <= _LONGEST:
        return name
    end = f"_{sha256(name.encode()).hexdigest()[:8]}"
    return name[: _LONGEST - len(end)] + end
