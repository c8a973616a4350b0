"""Databases and packages that don't fit together, and declarations that can't be kept: each is told, by name."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Index, true

from gateway.app import create_app
from gateway.cli.translate_commands import print_parity
from gateway.migrations import migration_status, packages_of, upgrade
from gateway.migrations.runner import connected
from gateway.settings import Settings, SettingsError
from schema.administration.keys import ApiKeys, NewKey
from schema.assembly import build
from schema.declaring import ID, NAME, Account, Extension, Tracked, field, noun
from schema.engine.write.actions import record_actions
from schema.engine.write.records import Writers
from schema.nouns.all import BUILT_IN
from schema.rules.access import Role
from schema.storage.opening import open_database
from tests.gateway.conftest import calling

MODULE = "examples.tasks"
TASK = 'mutation { createTask(input: {title: "T", opportunityId: "%s"}) { task { id } } }'


async def asked(app: Any, token: str, *queries: str) -> list[Any]:
    async with calling(app) as client:
        client.headers["authorization"] = f"Bearer {token}"
        return [(await client.post("/graphql", json={"query": query})).json() for query in queries]


async def settled(database_url: str) -> tuple[str, str]:
    """A token, and the id of an opportunity that has a task."""
    packages = packages_of([MODULE])
    await upgrade(database_url, packages)
    database = open_database(database_url)
    await database.open()
    token = (await ApiKeys(database).create(NewKey("Here", Role.ADMIN, "test"))).token
    await database.close()
    app = create_app(Settings(database_url=database_url, access_log=False, extensions=(MODULE,)))
    account = 'mutation { createAccount(input: {name: "A"}) { account { id } } }'
    (made,) = await asked(app, token, account)
    deal = 'mutation { createOpportunity(input: {name: "D", accountId: "%s"}) { opportunity { id } } }'
    app = create_app(Settings(database_url=database_url, access_log=False, extensions=(MODULE,)))
    (made,) = await asked(app, token, deal % made["data"]["createAccount"]["account"]["id"])
    id_ = made["data"]["createOpportunity"]["opportunity"]["id"]
    app = create_app(Settings(database_url=database_url, access_log=False, extensions=(MODULE,)))
    await asked(app, token, TASK % id_)
    return token, id_


async def test_a_package_that_is_not_loaded(database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The database is served and the log says what is left there; a record to which it refers stays, and the answer names the setting."""
    token, deal = await settled(database_url)
    await upgrade(database_url)
    capfd.readouterr()
    app = create_app(Settings(database_url=database_url, access_log=False))
    remove = f'mutation {{ deleteOpportunity(id: "{deal}") {{ deletedId }} }}'
    listed, removed, again = await asked(app, token, "{ opportunities { totalCount } }", remove, "{ opportunities { totalCount } }")
    assert "tables of tasks, which GATEWAY_EXTENSIONS doesn't name" in capfd.readouterr().out
    assert listed["data"] == again["data"] == {"opportunities": {"totalCount": 1}}
    assert "name it in GATEWAY_EXTENSIONS" in removed["errors"][0]["message"]


async def test_a_package_without_its_tables(postgres_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The log says which command to run, and so does whether it is ready."""
    app = create_app(Settings(database_url=postgres_url, access_log=False, extensions=(MODULE,)))
    async with calling(app) as client:
        ready = await client.get("/readyz")
    assert "not at the newest revision of tasks: run `gateway migrate`" in capfd.readouterr().out
    assert ready.json()["checks"]["migrations"] == "pending"


async def test_migrating(database_url: str) -> None:
    """`gateway migrate` runs the heads of all packages, again and again; without the package it leaves them."""
    packages = packages_of([MODULE])
    database = open_database(database_url)
    await database.open()
    assert (await migration_status(database, packages)).behind == ["tasks"]
    await upgrade(database_url, packages)
    await upgrade(database_url, packages)
    assert str(await migration_status(database, packages)) == ""
    await upgrade(database_url)
    assert (await migration_status(database)).unloaded == ["tasks"]
    async with connected(database_url) as work:
        found: list[Any] = []
        await work(lambda connection: found.extend(connection.exec_driver_sql("SELECT version_num FROM alembic_version ORDER BY 1")))
    assert [row[0] for row in found][1:] == ["tasks_0001"]
    await database.close()


def test_a_package_without_migrations(sqlite_url: str) -> None:
    """The start ends with the command that writes them."""
    with pytest.raises(SettingsError, match=r"has no migrations yet: python -m gateway.migrations.autogenerate --package"):
        create_app(Settings(database_url=sqlite_url, extensions=("tests.extensions.unmigrated",)))


def _twice() -> Any:
    extension = Extension("twice")

    @extension.declares
    @noun("opp", lists=True)
    class PrefixTaken(Tracked, table=True):
        """One."""

        name: str = field("A name.", NAME)

    return lambda: build(extension)


def _unfiltered() -> Any:
    extension = Extension("unfiltered")

    @extension.declares
    @noun("unf", lists=True, followed=True, visible=lambda _: true())
    class Unfollowable(Tracked, table=True):
        """One."""

        name: str = field("A name.", NAME)

    return lambda: build(extension)


def _without_ids() -> Any:
    class Idless(Tracked, table=True):
        """One."""

    return lambda: Extension("idless").declares(Idless)


def _uncleared() -> Any:
    @noun("unc", creates="A new one.")
    class Uncleared(Tracked, table=True):
        """One."""

        account_id: ID = field("An account.", to="Account", on_delete="clear")

    return lambda: record_actions(Writers([*BUILT_IN, Uncleared.__noun__]))


def _circle() -> Any:
    @noun("cir")
    class Circle(Tracked, table=True):
        """One."""

        other_id: ID | None = field("Another.", to="Circle", on_delete="cascade")

    return lambda: record_actions(Writers([*BUILT_IN, Circle.__noun__]))


def _field_taken() -> Any:
    extension = Extension("taken")

    @extension.declares
    @noun("tak", lists=True)
    class Taken(Tracked, table=True):
        """One."""

        __table_args__ = (Index("ix_taken", "workspace_id", "account_id"),)
        account_id: ID = field("An account.", to="Account")

    extension.listed(Account, "contacts", "Them.", Taken, "account_id")
    return lambda: build(extension)


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (_twice, "twice gives the ids of PrefixTaken the prefix opp, which Opportunity has"),
        (_unfiltered, "Unfollowable can't be followed: who sees it is told by a condition of its own"),
        (_without_ids, "idless adds Idless, which is no noun"),
        (_uncleared, 'Uncleared.account_id says on_delete="clear", and can\'t be null'),
        (_circle, 'on_delete="cascade" goes in a circle: Circle → Circle'),
        (_field_taken, "taken adds Account.contacts, which is there already"),
    ],
    ids=["prefix", "followed", "ids", "clear", "circle", "field"],
)
def test_what_cannot_be_kept(declare: Callable[[], Callable[[], Any]], says: str) -> None:
    """Refused when the graph is put together, by name."""
    act = declare()
    with pytest.raises(TypeError) as refused:
        act()
    assert says in str(refused.value)


def test_parity_with_a_package(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A field that a package adds to a noun of the gateway isn't missed in that noun's REST object, whose shape is a promise."""
    print_parity(Settings(database_url=sqlite_url, extensions=(MODULE,)))
    told = capsys.readouterr()
    assert "`Task.dueDate`" in told.out
    assert told.err == ""
