"""The workspace: a tenant. Its table is the engine's, since every statement names it, so its type is written by hand."""

import strawberry

from ...engine.declare.node import Node
from ...plan.sources import Stored
from ...storage import tables
from ...types.fields import plain


@strawberry.type(description="A tenant: everything that a token can see belongs to one workspace.")
class Workspace(Node):
    """A tenant."""

    __stored__ = Stored(tables.Workspace.__table__, "ws")

    name: str = plain("The name of the workspace.")
    currency: str = plain("The currency of all amounts in the workspace, as an ISO 4217 code such as EUR.")
