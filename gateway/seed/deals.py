"""Opportunities with their way through the pipeline, by the rules that the graph's own writes obey."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from schema.rules.stages import FIRST_CLOSED, LOST, STAGES
from schema.rules.text import fold, fold_name

from .values import DAY, RandomValues, SeedRow
from .words import LOSS_REASONS, NEEDS, PRODUCTS, SOURCES, STEPS, SUFFIXES

# How many of a hundred deals stand in each stage.
_SHARES = (17, 15, 13, 13, 12, 17, 13)
_OPEN_DAYS, _CLOSED_DAYS = 200, 730
_LINKS = (0, 1, 1, 2, 2, 3)


@dataclass(frozen=True, slots=True)
class Cast:
    """The participants of deals: companies, sellers, and each company's contacts by its position."""

    companies: Sequence[SeedRow]
    sellers: Sequence[str]
    contacts: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class DealRows:
    """An opportunity's row with those that hang on it."""

    opportunity: SeedRow
    links: list[SeedRow]
    history: list[SeedRow]


def deal(source: RandomValues, cast: Cast) -> DealRows:
    """One opportunity."""
    random = source.random
    final = random.choices(range(len(STAGES)), _SHARES)[0]
    closed = final >= FIRST_CLOSED
    created = source.earlier(_CLOSED_DAYS if closed else _OPEN_DAYS)
    steps = _steps(source, final, created, closed=closed)
    # Half of the companies have three quarters of the deals.
    position = int(len(cast.companies) * random.random() ** 1.5)
    company = cast.companies[position]
    seller = source.pick(cast.sellers) if source.chance(0.92) else None
    id_ = source.id("opp", created)
    history = _history(source.workspace_id, id_, steps, seller)
    edits = source.pick((0, 0, 0, 1, 2))
    last = steps[-1][1]
    updated = last + int(random.random() * min(source.midnight - last, 30 * DAY)) if edits else last
    row: SeedRow = {
        "workspace_id": source.workspace_id,
        "id": id_,
        "account_id": company["id"],
        "assigned_to_id": seller,
        "stage_since": last,
        "created_at": created,
        "updated_at": updated,
        "version": len(steps) + edits,
        **_words(source, str(company["name"])),
        **_standing(source, final, last),
    }
    links = _links(source, id_, cast.contacts[position])
    return DealRows(row, links, history)


def _steps(source: RandomValues, final: int, created: int, *, closed: bool) -> list[tuple[int, int]]:
    """(stage, when) from the first to the last; a deal may begin late, leave out stages, and be lost from any."""
    random = source.random
    reached = random.randrange(FIRST_CLOSED) if final == LOST else min(final, FIRST_CLOSED - 1)
    first = source.pick((0, 0, 0, 0, 1)) if reached else 0
    between = [stage for stage in range(first + 1, reached) if source.chance(0.9)]
    path = list(dict.fromkeys([first, *between, reached, final]))
    span = min(int((14 + random.random() * 120) * DAY), source.midnight - created)
    cuts = sorted(random.random() for _ in path[1:])
    if closed and cuts:
        cuts[-1] = 1.0
    return [(path[0], created), *((stage, created + int(span * cut)) for stage, cut in zip(path[1:], cuts, strict=True))]


def _history(workspace_id: str, id_: str, steps: list[tuple[int, int]], by: str | None) -> list[SeedRow]:
    rows: list[SeedRow] = []
    before: tuple[int | None, int | None] = (None, None)
    for sequence, (stage, at) in enumerate(steps, 1):
        rows.append(
            {
                "workspace_id": workspace_id,
                "opportunity_id": id_,
                "sequence": sequence,
                "from_stage": before[0],
                "to_stage": stage,
                "at": at,
                "by_id": by,
                "duration": None if before[1] is None else at - before[1],
            }
        )
        before = (stage, at)
    return rows


def _links(source: RandomValues, id_: str, contacts: Sequence[str]) -> list[SeedRow]:
    count = min(source.pick(_LINKS), len(contacts))
    return [
        {"workspace_id": source.workspace_id, "opportunity_id": id_, "position": position, "contact_id": contact}
        for position, contact in enumerate(source.random.sample(contacts, count) if count else ())
    ]


def _words(source: RandomValues, company: str) -> SeedRow:
    name = f"{company} — {source.pick(PRODUCTS)}{source.pick(SUFFIXES)}"
    origin = source.pick(SOURCES) if source.chance(0.9) else None
    text = f"{company} {source.pick(NEEDS)}. {source.pick(STEPS)}".strip() if source.chance(0.6) else None
    return {
        "name": name,
        "name_folded": fold_name(name),
        "source": origin,
        "source_folded": None if origin is None else fold(origin),
        "description": text,
    }


def _standing(source: RandomValues, final: int, last: int) -> SeedRow:
    """Value, chances and dates of a deal that came to stage `final` at `last`."""
    random = source.random
    closed = final >= FIRST_CLOSED
    by_hand = not closed and source.chance(0.15)
    chance = STAGES[final].default_probability
    expected = last + int((random.random() * 40 - 20) * DAY) if closed else source.midnight + int((random.random() * 170 - 20) * DAY)
    return {
        "value_cents": _value(source),
        "stage": final,
        "probability": min(95, max(5, chance + source.pick((-15, -10, -5, 5, 10)))) if by_hand else chance,
        "probability_manual": by_hand,
        "close_date": _day(expected) if source.chance(0.95) else None,
        "closed_date": _day(last) if closed else None,
        "loss_reason": source.pick(LOSS_REASONS) if final == LOST else None,
    }


def _value(source: RandomValues) -> int | None:
    """Whole cents: most in round hundreds, a few to the cent, some unknown."""
    random = source.random
    if source.chance(0.04):
        return None
    amount = random.lognormvariate(10.2, 1.1)
    return int(amount * 100) if source.chance(0.1) else max(1, round(amount / 100)) * 10_000


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
