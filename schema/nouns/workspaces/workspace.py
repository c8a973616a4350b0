"""The workspace: a tenant. Its table is the engine's, since every statement names it, so its type is written by hand."""

import strawberry

from schema.engine.compile.sources import StoredType
from schema.engine.declare.relay import Node
from schema.engine.types.fields import plain
from schema.storage import tables


@strawberry.type(description="A tenant: everything that a token can see belongs to one workspace.")
class Workspace(Node):
    """A tenant."""

    # Whoever has a token is told whose it is.
    __stored__ = StoredType(tables.WorkspaceTable.__table__, "ws", scope=None)

    name: str = plain("The name of the workspace.")
    currency: str = plain("The currency of all amounts in the workspace, as an ISO 4217 code such as EUR.")
