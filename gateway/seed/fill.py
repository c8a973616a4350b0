"""Fills a workspace: people first, then deals, some thousands in a transaction."""

from collections.abc import Callable

from schema.administration.bulk import Bulk, InsertRows, bulk
from schema.administration.workspaces import find_or_create_empty
from schema.rules.access import Role
from schema.storage.opening import open_database

from .deals import Cast, deal
from .people import accounts, contacts, users
from .spec import Seeded, SeedFault, SeedSpec
from .values import RandomValues

# Large enough to be cheap, small enough that a running gateway's writers on SQLite wait for a second, not a minute.
CHUNK = 5_000

ReportRows = Callable[[int], None]


async def seed(database_url: str, spec: SeedSpec, *, progress: ReportRows = lambda _: None) -> Seeded:
    """Fills `spec.workspace`, made if need be, of a migrated database; `progress` hears how many opportunities are there.

    Raises SeedFault where the workspace has accounts already, DatabaseUnavailable, and the driver's errors.
    """
    workspace_id = await _empty_workspace(database_url, spec.workspace)
    # The name is in the seed: ids are unique over all workspaces.
    source = RandomValues(f"{spec.seed}:{spec.workspace}", workspace_id, spec.midnight)
    async with bulk(database_url) as target:
        cast, people = _people(source, spec)
        rows = await target.write(workspace_id, people)
        rows += await _deals(target, source, cast, spec.opportunities, progress)
        await target.finish()
    return Seeded(workspace_id, rows)


async def _empty_workspace(database_url: str, name: str) -> str:
    database = open_database(database_url)
    await database.open()
    try:
        found = await find_or_create_empty(database, name)
    finally:
        await database.close()
    if found is None:
        raise SeedFault(f"the workspace {name} has accounts already: choose another by --workspace")
    return found


def _people(source: RandomValues, spec: SeedSpec) -> tuple[Cast, InsertRows]:
    companies = accounts(source, spec.account_count)
    team = users(source, spec.user_count, companies)
    buyers = list(contacts(source, spec.contact_count, companies))
    sellers = [str(user["id"]) for user in team if user["is_active"] and user["role"] != Role.VIEWER.value]
    cast = Cast(companies, sellers, [[str(buyer["id"]) for buyer in buyers[place :: len(companies)]] for place in range(len(companies))])
    return cast, {"account": companies, "user": team, "contact": buyers}


async def _deals(target: Bulk, source: RandomValues, cast: Cast, count: int, progress: ReportRows) -> int:
    rows = 0
    for start in range(0, count, CHUNK):
        deals = [deal(source, cast) for _ in range(min(CHUNK, count - start))]
        batch: InsertRows = {
            "opportunity": [made.opportunity for made in deals],
            "opportunity_contact": [link for made in deals for link in made.links],
            "stage_change": [change for made in deals for change in made.history],
        }
        rows += await target.write(source.workspace_id, batch)
        progress(start + len(deals))
    return rows
