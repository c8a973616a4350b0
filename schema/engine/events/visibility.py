"""What of an event a caller is told: by what it may see, and by the filter that it follows with."""

from dataclasses import dataclass

from schema.engine.compile.conditions import ParsedFilter
from schema.engine.compile.operation import EventPlan
from schema.engine.compile.sources import OwnedBy, SeenWith
from schema.rules.errors import BadRequest
from schema.values import Values

from .table import EventRecord


@dataclass(frozen=True, slots=True)
class EventVisibility:
    """A filter, and the one record that the caller is limited to, if any."""

    plan: EventPlan
    conditions: ParsedFilter
    limit: str | None

    def check(self) -> None:
        """Raises BadRequest for a filter by what an event doesn't keep of other records.

        It keeps the ids of linked ones, but also those that a limited caller may not know of.
        """
        beyond = self.plan.filters.mentioned(self.conditions.shape, "through")
        if beyond is not None:
            raise BadRequest(f"Events can't be followed by `{beyond}`, since they don't keep other records: filter by its id.")
        if self.limit is None:
            return
        filters, shape = self.plan.filters, self.conditions.shape
        linked = filters.mentioned(shape, "link") or filters.unknown(shape)
        if linked is not None:
            raise BadRequest(f"A limited viewer can't follow by {linked}: leave it out of the filter.")

    def kind(self, event: EventRecord) -> str | None:
        """What the caller is told of: CREATED, UPDATED, DELETED, or nothing. What leaves the filter is told once more; what leaves the
        sight of a limited caller is told as DELETED, what comes into it as CREATED.
        """
        if event.noun != self.plan.noun:
            return None
        was_seen, is_seen = self._sees(event.before), self._sees(event.after)
        matched, matches = was_seen and self._matches(event.before), is_seen and self._matches(event.after)
        if not matched and not matches:
            return None
        if not is_seen:
            return "DELETED"
        return "UPDATED" if was_seen else "CREATED"

    def _sees(self, state: Values | None) -> bool:
        if state is None or self.limit is None:
            return state is not None
        visible = self.plan.stored.visible
        if visible is None:
            return True
        assert isinstance(visible, OwnedBy | SeenWith), self.plan.stored.table
        return visible.holds(state, self.limit)

    def _matches(self, state: Values | None) -> bool:
        return state is not None and self.plan.filters.holds(self.conditions.shape, self.conditions.values, state)
