"""Sums over deals: weighted values, summaries, the pipeline, the forecast. Amounts are whole cents."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from schema.rules.clock import seconds_between
from schema.rules.errors import BadRequest
from schema.rules.stages import BY_NAME, STAGES
from tests.reference.rows import Record
from tests.reference.view import View

MOST_GROUPS = 250
_GROUPS = {"ACCOUNT": "account_id", "STAGE": "stage", "LOSS_REASON": "loss_reason", "OWNER": "assigned_to_id", "SOURCE": "source"}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DAY = 86_400

Found = Callable[[], Sequence[Record]]
"""The deals that a filter finds; raises BadRequest. A range or groups at fault are told first."""
Figure = Callable[[View, Found, Mapping[str, Any]], list[dict[str, Any]]]


def weighted(value: int | None, stage: str, probability: int) -> int | None:
    """Value × probability, half up to the cent; a won deal weighs its value and a lost one nothing."""
    if value is None:
        return None
    weight = {"CLOSED_WON": 100, "CLOSED_LOST": 0}.get(stage, probability)
    return (value * weight + 50) // 100


def weighted_now(deal: Record) -> int | None:
    """The weighted value that a deal has now."""
    return weighted(deal["value_cents"], deal["stage"], deal["probability"])


def _sum(values: Sequence[int | None]) -> int:
    return sum(value for value in values if value is not None)


def summary(deals: Sequence[Record]) -> dict[str, Any]:
    """Numbers over all that match."""
    values = [deal["value_cents"] for deal in deals if deal["value_cents"] is not None]
    won, lost = (sum(deal["stage"] == stage for deal in deals) for stage in ("CLOSED_WON", "CLOSED_LOST"))
    return {
        "count": len(deals),
        "totalValue": sum(values),
        "weightedValue": _sum(list(map(weighted_now, deals))),
        "averageValue": (sum(values) * 2 + len(values)) // (len(values) * 2) if values else None,
        "wonCount": won,
        "lostCount": lost,
        "winRate": won / (won + lost) if won + lost else None,
    }


class _Standing(NamedTuple):
    """A deal in the stage that it is or was in, since when, and what it weighs there."""

    stage: str
    since: str
    value: int | None
    weight: int | None


def pipeline(view: View, found: Found, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a stage: as it is now, or as it was at the end of the day `asOf`."""
    day, deals = given.get("asOf"), found()
    if day is None:
        end = view.now
        standing = [_Standing(deal["stage"], deal["stage_since"], deal["value_cents"], weighted_now(deal)) for deal in deals]
    else:
        end = min(f"{day}T23:59:59Z", view.now)
        standing = [found for deal in deals if (found := _stood(view, deal, end)) is not None]
    return [_stage_row(stage.name, [each for each in standing if each.stage == stage.name], end) for stage in STAGES]


def _stood(view: View, deal: Record, end: str) -> _Standing | None:
    """Where a deal stood at an instant; None where it wasn't there yet."""
    changes = [change for change in view.below(deal, "StageChange") if change["at"] <= end]
    if not changes:
        return None
    last = max(changes, key=lambda change: change["sequence"])
    then, now = BY_NAME[last["to_stage"]], BY_NAME[deal["stage"]]
    kept = then is now or (deal["probability_manual"] and not then.is_closed and not now.is_closed)
    weight = weighted(deal["value_cents"], then.name, deal["probability"] if kept else then.default_probability)
    return _Standing(then.name, last["at"], deal["value_cents"], weight)


def _stage_row(stage: str, standing: Sequence[_Standing], end: str) -> dict[str, Any]:
    age = sum(seconds_between(each.since, end) for each in standing)
    return {
        "stage": stage,
        "count": len(standing),
        "totalValue": _sum([each.value for each in standing]),
        "weightedValue": _sum([each.weight for each in standing]),
        "averageAgeDays": float(age) / len(standing) / _DAY if standing else None,
    }


def forecast(_: View, found: Found, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a period: open deals by the day they should close, won deals by the day they did. Raises BadRequest."""
    first, last = date.fromisoformat(given["from"]), date.fromisoformat(given["to"])
    if first > last:
        raise BadRequest(f"`from` ({first}) is after `to` ({last}).")
    months = _MONTHS[given["by"]]
    numbers = range(_period(first, months), _period(last, months) + 1)
    spans = [(max(first, _starts(number, months)), min(last, _ends(number, months))) for number in numbers]
    deals = found()
    return [_period_row(start.isoformat(), end.isoformat(), deals) for start, end in spans]


def _period(day: date, months: int) -> int:
    return (day.year * 12 + day.month - 1) // months


def _starts(number: int, months: int) -> date:
    return date(number * months // 12, number * months % 12 + 1, 1)


def _ends(number: int, months: int) -> date:
    return date.max if (number + 1) * months // 12 > date.max.year else _starts(number + 1, months) - timedelta(days=1)


def _period_row(start: str, end: str, deals: Sequence[Record]) -> dict[str, Any]:
    opened = [deal for deal in deals if not BY_NAME[deal["stage"]].is_closed and start <= (deal["close_date"] or "") <= end]
    won = [deal for deal in deals if deal["stage"] == "CLOSED_WON" and start <= (deal["closed_date"] or "") <= end]
    return {
        "start": start,
        "end": end,
        "openCount": len(opened),
        "openValue": _sum([deal["value_cents"] for deal in opened]),
        "weightedValue": _sum(list(map(weighted_now, opened))),
        "wonCount": len(won),
        "wonValue": _sum([deal["value_cents"] for deal in won]),
    }


def groups(view: View, found: Found, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a group, the greatest first, those of one size by their values. Raises BadRequest."""
    names = list(dict.fromkeys(given["groupBy"]))
    if not names:
        raise BadRequest("`groupBy` is empty: say what the groups have in common.")
    deals = found()
    first = 100 if given.get("first") is None else given["first"]
    if not 0 <= first <= MOST_GROUPS:
        raise BadRequest(f"`first` is {first}; it must be from 0 to {MOST_GROUPS}.")
    rows: dict[tuple[Any, ...], list[Record]] = {}
    for deal in deals:
        rows.setdefault(tuple(deal[_GROUPS[name]] for name in names), []).append(deal)
    order = sorted(rows, key=lambda group: (-len(rows[group]), [_rank(value) for value in group]))
    return [_group(view, dict(zip(names, group, strict=True)), rows[group]) for group in order[:first]]


def _rank(value: str | None) -> tuple[bool, Any]:
    """Where a value stands among others: stages by the pipeline, what has none last."""
    return value is None, BY_NAME[value].position if value in BY_NAME else value


def _group(view: View, values: Mapping[str, Any], deals: Sequence[Record]) -> dict[str, Any]:
    refers = {"account": view.one("Account", values.get("ACCOUNT")), "owner": view.one("User", values.get("OWNER"))}
    own = {"stage": values.get("STAGE"), "lossReason": values.get("LOSS_REASON"), "source": values.get("SOURCE")}
    return {**refers, **own, "summary": summary(deals)}


FIGURES: Mapping[str, Figure] = {"pipeline": pipeline, "forecast": forecast, "opportunityGroups": groups}
"""The root fields that tell numbers over deals."""
