"""How a driver's value becomes a response value, as a Python expression that the writers are made of.

In a `raw` writer, made for graphql-core, scalars stay as the drivers hold them: graphql-core serializes them itself.
"""

from typing import Any

import orjson

from ..rules.stages import STAGES

STAGE = tuple(stage.name for stage in STAGES)
ROLE = {"admin": "ADMIN", "member": "MEMBER", "viewer": "VIEWER"}
PROBABILITY_SOURCE = ("STAGE_DEFAULT", "MANUAL")
USAGE = {"route": "ROUTE", "parameter": "PARAMETER", "field": "FIELD"}

_MAPPED = {
    "OpportunityStage": "STAGE[{}]",
    "Role": "ROLE[{}]",
    "ProbabilitySource": "PROBABILITY_SOURCE[{}]",
    "RestUsageKind": "USAGE[{}]",
    "Boolean": "bool({})",
}


def namespace(show_money: Any) -> dict[str, Any]:
    """The names that a writer's expressions use."""
    mapped = {"STAGE": STAGE, "ROLE": ROLE, "PROBABILITY_SOURCE": PROBABILITY_SOURCE, "USAGE": USAGE}
    return {**mapped, "show_money": show_money, "loads": orjson.loads}


def formatted(type_name: str, code: str, *, raw: bool, nullable: bool) -> str:
    """The expression that makes a response value of `type_name` from the driver's value `code`."""
    if type_name == "Money" and not raw:
        return f"show_money({code})"
    template = _MAPPED.get(type_name)
    if template is None:
        return code
    return f"None if {code} is None else {template.format(code)}" if nullable else template.format(code)
