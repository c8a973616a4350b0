"""An operation while it is executed."""

from dataclasses import dataclass

from schema.rules.access import Caller

from .resolvers.context import Context
from .resolvers.run import Notes, ResolverRun


@dataclass(slots=True)
class ExecutionRequest:
    """An operation that runs: its caller, whether the workspace's revision is wanted too, and the bytes of the answer that are used up."""

    caller: Caller
    at_revision: bool
    deadline: float | None = None
    spent: int = 0
    attempts: int = 0
    """How often it had to wait for statements to be compiled."""
    context: Context | None = None
    """The value of `info.context` for resolvers and schema extensions, once there is one."""
    notes: Notes | None = None
    """The objects that wait for resolvers; None if there are none."""
    run: ResolverRun | None = None
    """The resolvers that were called."""
