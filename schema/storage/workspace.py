"""The workspace that a statement is about, and its revision, which every committed change moves on."""

from sqlalchemy import bindparam, update

from schema.values import Value

from .columns import CodePointText
from .tables import WorkspaceTable

WORKSPACE = bindparam("workspace", type_=CodePointText(), required=True)
"""The id of the workspace, which is given with the values of a statement."""

_WORKSPACES = WorkspaceTable.__table__


def advance_revision(by: int = 1) -> Value:
    """The statement that moves the revision of WORKSPACE on."""
    return update(_WORKSPACES).where(_WORKSPACES.c.id == WORKSPACE).values(revision=_WORKSPACES.c.revision + by)
