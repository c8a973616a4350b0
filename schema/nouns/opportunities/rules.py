"""The rules of writing a deal: what stages do to it, and the history of its moves."""

from typing_extensions import override

from schema.engine.declare.codes import add_reasons
from schema.engine.write.rules import RecordValues, Rules, rules_of
from schema.engine.write.write_transaction import WriteTransaction
from schema.rules import clock, pipeline
from schema.rules.violations import Ruled
from schema.storage.statements import insert_of

from .opportunity import Opportunity
from .stage_change import StageChange

_ADD_CHANGE = insert_of(StageChange.__table__)

add_reasons(
    {
        "NOT_CLOSED": "An opportunity that is not closed can have no `closedDate`.",
        "NOT_LOST": "An opportunity that is not lost can have no `lossReason`.",
        "CLOSED_WITHOUT_DATE": "A closed opportunity must have a `closedDate`.",
    }
)


@rules_of(Opportunity)
class OpportunityRules(Rules):
    """Stages set probability, closed date and loss reason; a move is kept in the history."""

    also = {"probability_manual": "probabilitySource"}  # noqa: RUF012

    @override
    def apply(self, before: RecordValues | None, given: RecordValues, now: str) -> Ruled:
        return pipeline.apply(before, given, now[:10])

    @override
    def stamp(self, before: RecordValues | None, after: RecordValues, now: str) -> None:
        if before is None or after["stage"] != before["stage"]:
            after["stage_since"] = now

    @override
    async def written(self, transaction: WriteTransaction, before: RecordValues | None, after: RecordValues) -> None:
        if before is not None and after["stage"] == before["stage"]:
            return
        values = {
            "workspace_id": transaction.caller.workspace_id,
            "opportunity_id": after["id"],
            "sequence": after["version"],
            "from_stage": None if before is None else before["stage"],
            "to_stage": after["stage"],
            "at": transaction.now,
            "by_id": transaction.caller.user_id,
            "by_key_id": transaction.caller.key_id,
            "duration": None if before is None else clock.seconds_between(before["stage_since"], transaction.now),
        }
        await transaction.execute(_ADD_CHANGE, values)
