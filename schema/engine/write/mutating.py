"""A mutation made ready: its root fields with their arguments, before anything is written."""

from collections.abc import Callable
from typing import Any

from schema.engine.compile.operation import MutationPlan, WriteStep
from schema.engine.document.documents import RequestError
from schema.engine.document.variables import Variables
from schema.engine.execute.response_errors import located
from schema.rules.access import Caller
from schema.rules.errors import GatewayError

from .transaction import Action, make_call


def calls_of(
    plan: MutationPlan, values: Variables, caller: Caller, action_of: Callable[[WriteStep], Action], most: int
) -> list[tuple[str, Any]]:
    """The calls of a mutation, by response key. Raises RequestError for whatever is malformed in any of them, `most` errors of it."""
    calls, faults = list[tuple[str, Any]](), list[dict[str, Any]]()
    for step in plan.steps:
        if not isinstance(step, WriteStep):
            calls.append(step)
            continue
        try:
            calls.append((step.key, make_call(action_of(step), step, values, caller)))
        except GatewayError as error:
            faults.append(located(error, step))
    if faults:
        raise RequestError(faults[:most], faults[0]["extensions"]["code"])
    return calls
