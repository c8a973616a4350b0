"""The pipeline's stages, in order: the position is what the database keeps and sorts by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the pipeline. `value` is its name in REST, `name` in GraphQL."""

    position: int
    name: str
    value: str
    label: str
    default_probability: int
    is_closed: bool


_DEFINED = (
    ("Prospecting", 10, False),
    ("Qualification", 20, False),
    ("Needs Analysis", 40, False),
    ("Proposal", 60, False),
    ("Negotiation", 80, False),
    ("Closed Won", 100, True),
    ("Closed Lost", 0, True),
)


def _stage(position: int, label: str, probability: int, *, closed: bool) -> Stage:
    value = label.lower().replace(" ", "_")
    return Stage(position, value.upper(), value, label, probability, closed)


STAGES = tuple(_stage(position, label, probability, closed=closed) for position, (label, probability, closed) in enumerate(_DEFINED))
BY_NAME = {stage.name: stage for stage in STAGES}
FIRST_CLOSED = next(stage.position for stage in STAGES if stage.is_closed)
WON = BY_NAME["CLOSED_WON"].position
LOST = BY_NAME["CLOSED_LOST"].position
