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
    """How often it had to wait for statements."""
    context: Context | None = None
    """What resolvers and schema extensions find in `info.context`, once there is one."""
    notes: Notes | None = None
    """What waits for resolvers; None where nothing does."""
    run: ResolverRun | None = None
    """The resolvers that were called."""
