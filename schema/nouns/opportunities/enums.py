"""The enums of opportunities."""

from schema.engine.declare.conditions import enum_conditions
from schema.engine.declare.enums import plain_enum, stored_enum
from schema.engine.declare.types import filter_enum
from schema.rules.stages import STAGES

OpportunityStage = stored_enum(
    "OpportunityStage",
    "The stages of the pipeline, in their order. REST writes them in lower case; `stages` has their names for people.",
    {stage.name: (stage.position, f"{stage.label}, written `{stage.value}` in REST.") for stage in STAGES},
)
ProbabilitySource = stored_enum(
    "ProbabilitySource",
    "Where the probability of an opportunity comes from.",
    {
        "STAGE_DEFAULT": (False, "The probability is the default of the stage."),
        "MANUAL": (True, "Someone gave the probability, and it stays when the opportunity moves from one open stage to another."),
    },
)
Period = plain_enum(
    "Period",
    "How long each period of a forecast is.",
    {"MONTH": "One calendar month.", "QUARTER": "Three calendar months, from January on.", "YEAR": "One calendar year."},
)
filter_enum(OpportunityStage, enum_conditions("StageFilter", OpportunityStage, "the stage"))
