"""A mutation made ready: its root fields with their arguments, before anything is written."""

from typing import Any

from .documents import RequestError
from .plan.operation import MutationPlan, WriteStep
from .plan.variables import Variables
from .response_errors import located
from .rules.access import Caller
from .rules.errors import GatewayError
from .write.actions import ACTIONS
from .write.transaction import make_call


def calls_of(plan: MutationPlan, values: Variables, caller: Caller, most: int) -> list[tuple[str, Any]]:
    """The calls of a mutation, by response key. Raises RequestError for whatever is malformed in any of them, `most` errors of it."""
    calls, faults = list[tuple[str, Any]](), list[dict[str, Any]]()
    for step in plan.steps:
        if not isinstance(step, WriteStep):
            calls.append(step)
            continue
        try:
            calls.append((step.key, make_call(ACTIONS[step.name], step, values, caller)))
        except GatewayError as error:
            faults.append(located(error, step))
    if faults:
        raise RequestError(faults[:most], faults[0]["extensions"]["code"])
    return calls
