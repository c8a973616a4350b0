"""`gateway erase` and `gateway export person`: a person is found wherever it is stored, and afterwards is nowhere, byte for byte."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, UnicodeText
from sqlmodel import AutoString

from schema.engine.events.cursor import EventPosition, write_cursor
from schema.engine.write import removal
from schema.graph import Graph
from schema.persons import erasure, occurrences, referrers
from schema.persons.identifiers import MARK
from schema.persons.person import find
from schema.storage.columns import CalendarDate, CodePointText, Instant
from schema.storage.database import LockTimeout
from schema.storage.opening import open_database
from schema.storage.postgresql import wiping
from tests.end_to_end.backups import dump
from tests.end_to_end.event_clients import BOTH, take
from tests.end_to_end.fleet import Access, access, in_process
from tests.gateway.conftest import Run
from tests.postgres import Postgres

FIRST, LAST, EMAIL, PHONE = "Xantippe", "Quörinöva", "xantippe.quorinova@example.org", "+49 (171) 904-5566"
NAME = f"{FIRST} {LAST}"
CALL = f"Called {NAME.upper()}; {LAST}, {FIRST} answers at 491719045566 or {EMAIL.title()}. The boss doesn't."
CONTACT = {"firstName": FIRST, "lastName": LAST, "email": EMAIL, "phone": PHONE, "title": "Stargazer-in-chief"}
CREATE = """mutation($input: CreateContactInput!, $key: String) { createContact(input: $input, idempotencyKey: $key) {
  contact { id firstName lastName title phone } userErrors { message } } }"""
WITHOUT_ID = """mutation($id: ID!, $input: UpdateContactInput!, $key: String) {
  updateContact(id: $id, input: $input, idempotencyKey: $key) { contact { firstName lastName } } }"""
DEAL = """mutation($input: CreateOpportunityInput!, $key: String) { createOpportunity(input: $input, idempotencyKey: $key) {
  opportunity { id name description } userErrors { message } } }"""
USER = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }"
KEY = "mutation($name: String!) { createApiKey(input: {name: $name, role: MEMBER}) { apiKey { id } } }"
ACCOUNT = "mutation($name: String!) { createAccount(input: {name: $name}) { account { id } } }"
STATE = "query($id: ID!) { opportunity(id: $id) { name description source version contacts { id } assignedTo { id name email } } }"
TOLD = """subscription($since: String) { opportunityChanged(since: $since) {
  cursor type opportunityId changedFields opportunity { name description } } }"""


@dataclass(frozen=True, slots=True)
class Crm:
    """A workspace that holds a person as a contact and as a user, in its texts, answers, events and counts; and others beside it."""

    http: httpx.AsyncClient
    address: str
    who: Access
    contact: str
    user: str
    other: str
    deal: str
    plain: str

    async def state(self, deal: str) -> dict[str, Any]:
        found: dict[str, Any] = (await _ask(self.http, STATE, id=deal))["opportunity"]
        return found


async def _ask(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    answer = (await http.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    assert all(not (payload or {}).get("userErrors") for payload in answer["data"].values()), answer
    return answer["data"]


@asynccontextmanager
async def crm(database_url: str) -> AsyncIterator[Crm]:
    """It is served for as long as the context lasts."""
    who = await access(database_url)
    async with (
        in_process(database_url) as (address, app),
        httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=60) as http,
    ):
        account = (await _ask(http, ACCOUNT, name=f"{NAME} Consulting"))["createAccount"]["account"]["id"]
        contact = (await _ask(http, CREATE, input=CONTACT, key="made"))["createContact"]["contact"]["id"]
        await _ask(http, WITHOUT_ID, id=contact, input={"title": "Chief stargazer"}, key=f"titled {EMAIL}")
        other = {"firstName": FIRST, "lastName": "Other", "email": "other@example.org", "phone": PHONE}
        other_id = (await _ask(http, CREATE, input=other, key="other"))["createContact"]["contact"]["id"]
        user = (await _ask(http, USER, input={"name": NAME, "email": EMAIL, "role": "MEMBER"}))["createUser"]["user"]["id"]
        given = {"name": f"{NAME}: Möbel", "accountId": account, "description": CALL, "source": f"by {EMAIL}"}
        given |= {"contactIds": [other_id, contact], "assignedToId": user}
        deal = (await _ask(http, DEAL, input=given, key="deal"))["createOpportunity"]["opportunity"]["id"]
        made = await _ask(http, DEAL, input={"name": "Plain", "accountId": account}, key="plain")
        plain = made["createOpportunity"]["opportunity"]["id"]
        await http.post("/graphql", json={"query": "{ __typename }"}, headers={"graphql-client-name": f"{EMAIL} script"})
        await _ask(http, KEY, name=f"Laptop of {NAME}")
        await http.get("/api/opportunities/", params={EMAIL: "1"})
        await app.uses.flush()
        await app.graphql_uses.flush()
        yield Crm(http, address, who, contact, user, other_id, deal, plain)


@pytest.fixture
def on(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line on a database of each kind."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    return run


async def _rows_with(url: str, words: list[str]) -> list[str]:
    """Rows that hold one of the words, in whatever case."""
    rows = [f"{table} {json.dumps(row, ensure_ascii=False)}" for table, found in (await dump(url)).items() for row in found]
    return [row for row in rows if any(word.casefold() in row.casefold() for word in words)]


def _forms(text: str) -> set[bytes]:
    """A text as its bytes may be in a file."""
    return {form.encode() for form in (text, text.lower(), text.upper(), text.casefold(), text.title())}


async def test_a_contact_is_nowhere_afterwards(on: Run, database_url: str) -> None:
    """Rows, events, kept answers and counts of use are without the person; what is not the person's stays as it was."""
    async with crm(database_url) as here:
        before = await dump(database_url)
        done = await asyncio.to_thread(on, "erase", "contact", here.contact, "--yes", "--also", "xantippe.quorinova@example.org")
        assert done.code == 0, done.err
        assert f"The same e-mail address is that of the user {here.user}" in done.err
        user = await asyncio.to_thread(on, "erase", "user", here.user, "--yes")
        assert user.code == 0, user.err
        after = await dump(database_url)
        deal, plain = await here.state(here.deal), await here.state(here.plain)
    assert await _rows_with(database_url, [NAME, LAST, EMAIL, "491719045566", "stargazer"]) == []
    assert deal["name"] == "[erased]: Möbel"
    assert deal["description"] == "Called [erased]; [erased] answers at [erased] or [erased]. The boss doesn't."
    assert deal["source"] == "by [erased]"
    assert deal["contacts"] == [{"id": here.other}]
    assert deal["assignedTo"] == {"id": here.user, "name": "[erased]", "email": f"{here.user}@erased.invalid"}
    assert plain["version"] == 1
    assert [row for row in after["contact"] if row["id"] == here.other] == [row for row in before["contact"] if row["id"] == here.other]
    assert {row["key"] for row in before["idempotency_key"]} - {row["key"] for row in after["idempotency_key"]} == {f"titled {EMAIL}"}
    assert len(after["event"]) > len(before["event"])


async def test_portions(on: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read and rewritten at once is bounded in bytes too; what stands beyond a portion goes as well."""
    monkeypatch.setattr(occurrences, "ANSWERS", 2)
    monkeypatch.setattr(erasure, "TOGETHER_BYTES", 1)
    together: list[int] = []
    rewrite = erasure.Eraser._rewrite

    async def rewriting(eraser: erasure.Eraser, waiting: list[Any]) -> None:
        together.append(len(waiting))
        await rewrite(eraser, waiting)

    monkeypatch.setattr(erasure.Eraser, "_rewrite", rewriting)
    async with crm(database_url) as here:
        for number in range(5):
            await _ask(here.http, DEAL, input={"name": f"For {NAME}", "accountId": (await _account_of(here))}, key=f"more {number}")
        kept = await _rows_with(database_url, [LAST])
        assert sum(row.startswith("idempotency_key") for row in kept) > 5
        done = await asyncio.to_thread(on, "erase", "contact", here.contact, "--yes", "--also", "xantippe.quorinova@example.org")
        assert done.code == 0, done.err
        assert not any(row.startswith("idempotency_key") for row in await _rows_with(database_url, [LAST]))
    assert max(together) == 1


async def test_a_contact_of_many_deals(on: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stands on more deals than one deletion may change is taken off them in portions: erasing was refused for ever."""
    monkeypatch.setattr(removal, "MOST", 2)
    monkeypatch.setattr(referrers, "PORTION", 2)
    async with crm(database_url) as here:
        account = await _account_of(here)
        for number in range(5):
            given = {"name": f"Deal {number}", "accountId": account, "contactIds": [here.contact, here.other]}
            await _ask(here.http, DEAL, input=given)
        done = await asyncio.to_thread(on, "erase", "contact", here.contact, "--yes")
        assert done.code == 0, done.err
        after = await dump(database_url)
    assert here.contact not in {row["id"] for row in after["contact"]}
    assert [row["contact_id"] for row in after["opportunity_contact"]] == [here.other] * 6


async def _account_of(here: Crm) -> str:
    found = await _ask(here.http, "query($id: ID!) { opportunity(id: $id) { account { id } } }", id=here.plain)
    account: str = found["opportunity"]["account"]["id"]
    return account


async def test_every_byte(run: Run, sqlite_url: str) -> None:
    """The person's name, address and number are in no byte of SQLite's file and its log, while a gateway serves and after it."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    words = [*_forms(NAME), *_forms(LAST), *_forms(EMAIL), b"491719045566", *_forms("stargazer")]

    def left() -> set[bytes]:
        files = [each for each in path.parent.iterdir() if each.name.startswith(path.name)]
        return {word for each in files for word in words if word in each.read_bytes()}

    async with crm(sqlite_url) as here:
        await _ask(here.http, WITHOUT_ID, id=here.other, input={"phone": None}, key="phone")
        assert len(left()) > 5
        for kind, id_ in (("contact", here.contact), ("user", here.user)):
            done = await asyncio.to_thread(run, "erase", kind, id_, "--yes", "--database-url", sqlite_url)
            assert done.code == 0, done.err
        assert left() == set()
        assert (await here.state(here.plain))["name"] == "Plain"
        await _ask(here.http, DEAL, input={"name": "Goes on", "accountId": (await _account(sqlite_url))}, key="on")
    assert left() == set()
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def _account(url: str) -> str:
    return str((await dump(url))["account"][0]["id"])


async def test_every_byte_of_postgresql(run: Run, postgres_server: Postgres) -> None:
    """With `--full` no file of the database holds the person; the write-ahead log is another matter, which is said."""
    with postgres_server.database() as url:
        async with crm(url) as here:
            done = await asyncio.to_thread(run, "erase", "contact", here.contact, "--yes", "--database-url", url)
            assert done.code == 0, done.err
            done = await asyncio.to_thread(run, "erase", "user", here.user, "--yes", "--full", "--database-url", url)
            assert (done.code, "write-ahead log" in done.err) == (0, True), done.err
        assert await _left_in_files(url) == set()


async def test_bytes_that_an_open_transaction_sees(run: Run, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a transaction sees what was deleted, PostgreSQL keeps it: the command says so, and `erase remains` ends it afterwards."""
    monkeypatch.setattr(wiping, "SNAPSHOT_SECONDS", 0.1)
    with postgres_server.database() as url:
        async with crm(url) as here:
            done = await asyncio.to_thread(run, "erase", "contact", here.contact, "--yes", "--database-url", url)
            assert done.code == 0, done.err
            raw = await asyncpg.connect(url)
            async with raw.transaction(isolation="repeatable_read"):
                await raw.execute("SELECT 1")
                done = await asyncio.to_thread(run, "erase", "user", here.user, "--yes", "--full", "--database-url", url)
                assert (done.code, "still sees what was deleted" in done.err) == (1, True), done.err
            await raw.close()
            done = await asyncio.to_thread(run, "erase", "remains", "--full", "--database-url", url)
            assert done.code == 0, done.err
        assert await _left_in_files(url) == set()


async def test_the_transaction_that_is_named(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one to end, and not who came after it and waits for it, as the command itself does."""
    monkeypatch.setattr(wiping, "SNAPSHOT_SECONDS", 0.1)
    with postgres_server.database() as url:
        raw = await asyncpg.connect(url)
        async with raw.transaction():
            await raw.execute("SELECT pg_current_xact_id()")
            with pytest.raises(LockTimeout, match=f"process {raw.get_server_pid()} still sees"):
                await wiping.wipe(url)
        await raw.close()


async def _left_in_files(url: str) -> set[tuple[str, bytes]]:
    """The files of the database that hold one of the person's words, with the word."""
    raw = await asyncpg.connect(url)
    base = Path(await raw.fetchval("SHOW data_directory")) / "base"
    folder = base / str(await raw.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()"))
    await raw.execute("CHECKPOINT")
    await raw.close()
    words = [*_forms(NAME), *_forms(LAST), *_forms(EMAIL), *_forms("stargazer")]
    return {(file.name, word) for file in folder.iterdir() for content in [_content(file)] for word in words if word in content}


def _content(file: Path) -> bytes:
    """What a file of a running server holds: nothing, if the server removed it since it was listed, as it does its caches."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


async def test_followers_are_told(on: Run, database_url: str) -> None:
    """Each deal that was changed has an event with its new state, live and again; events of before are told without the person."""
    async with crm(database_url) as here:
        follow, beginning = BOTH[1], write_cursor(here.who.caller.workspace_id, EventPosition(1, 0))
        before = (await here.state(here.deal))["version"]
        live = asyncio.create_task(take(follow(here.address, here.who.token, TOLD, since=beginning), 4))
        first, _ = await take(follow(here.address, here.who.token, TOLD, since=beginning), 2)
        assert first["opportunity"]["name"].startswith(NAME)
        done = await asyncio.to_thread(on, "erase", "contact", here.contact, "--yes")
        assert done.code == 0, done.err
        told = await live
        again = await take(follow(here.address, here.who.token, TOLD, since=beginning), 4)
        after = (await here.state(here.deal))["version"]
    assert [event["cursor"] for event in told] == [event["cursor"] for event in again]
    for events in (told, again):
        assert [event["opportunityId"] for event in events[2:]] == [here.deal] * 2
        assert [event["changedFields"] for event in events[2:]] == [["name", "source", "description"], ["contactIds"]]
        assert all(event["opportunity"]["name"] == "[erased]: Möbel" for event in events[2:])
    assert after == before + 2
    assert NAME not in json.dumps(again, ensure_ascii=False)


async def test_first_it_is_only_told(on: Run, database_url: str) -> None:
    """Without `--yes` nothing changes, and each table and field is listed with what would become of it."""
    async with crm(database_url) as here:
        before = await dump(database_url)
        told = await asyncio.to_thread(on, "erase", "contact", here.contact)
        assert (told.code, "Nothing was changed" in told.err) == (0, True), told.err
        assert _untimed(await dump(database_url)) == _untimed(before)
    rows = {tuple(line.split("\t")) for line in told.out.splitlines()}
    assert ("opportunity", "description", "1", "the words are taken out") in rows
    assert ("opportunity_contact", "contact_id", "1", "the row is removed") in rows
    assert ("idempotency_key", "key", "1", "the row is removed") in rows
    assert ("user", "name", "1", "stays") in rows
    assert ("contact", "phone", "1", "stays") in rows
    assert {row[0] for row in rows} >= {"account", "api_key", "event", "graphql_usage", "rest_usage", "contact"}


def _untimed(found: dict[str, Any]) -> dict[str, Any]:
    return {table: rows for table, rows in found.items() if table not in {"api_key", "graphql_usage", "rest_usage", "sweep"}}


async def test_export(on: Run, database_url: str) -> None:
    """All that is stored on a person is told as JSON, by id, address, number or name, with the table and field that it is from."""
    async with crm(database_url) as here:
        by_email = await asyncio.to_thread(on, "export", "person", EMAIL.upper())
        by_id = await asyncio.to_thread(on, "export", "person", here.contact)
        by_name = await asyncio.to_thread(on, "export", "person", NAME.upper())
        by_phone = await asyncio.to_thread(on, "export", "person", PHONE)
    found = json.loads(by_email.out)
    assert {value["person"] for value in found} == {here.contact, here.user}
    assert {value["person"] for value in json.loads(by_id.out)} == {here.contact}
    assert json.loads(by_name.out) == found
    assert {value["person"] for value in json.loads(by_phone.out)} == {here.contact, here.other}
    told = {(value["table"], value["field"]): value for value in json.loads(by_id.out)}
    assert told["contact", "email"] == {
        "person": here.contact,
        "workspace": "Here",
        "table": "contact",
        "key": {"id": here.contact},
        "field": "email",
        "value": EMAIL,
        "why": "the person's own record",
    }
    assert {field for table, field in told if table == "contact"} >= {"first_name", "title", "created_at", "version"}
    assert told["opportunity", "description"]["value"] == CALL
    assert told["user", "name"]["value"] is None
    assert {"event", "idempotency_key", "rest_usage", "opportunity_contact"} <= {table for table, _ in told}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "person", "nobody@example.org"], "taken for an e-mail address"),
        (["export", "person", "cnt_none"], "taken for an id"),
        (["export", "person", "%"], "taken for a name"),
        (["erase", "contact", "cnt_none", "--yes"], "there is no contact cnt_none; gateway export person E-MAIL"),
        (["erase", "user", "usr_none"], "there is no user usr_none"),
    ],
)
async def test_nobody(on: Run, database_url: str, arguments: list[str], says: str) -> None:
    """Who isn't there is told so, with what to give."""
    await access(database_url)
    refused = await asyncio.to_thread(on, *arguments)
    assert (refused.code, says in refused.err, refused.out) == (2, True, ""), refused.err


async def test_the_other_kind_is_named(on: Run, database_url: str) -> None:
    """The id of a user where a contact is erased says what is meant; the last admin can't go."""
    async with crm(database_url) as here:
        refused = await asyncio.to_thread(on, "erase", "contact", here.user, "--yes")
        assert (refused.code, f"is user {here.user} meant?" in refused.err) == (2, True), refused.err
        boss = {"name": "Ada Boss", "email": "ada@example.org", "role": "ADMIN"}
        admin = (await _ask(here.http, USER, input=boss))["createUser"]["user"]["id"]
        refused = await asyncio.to_thread(on, "erase", "user", admin, "--yes")
        assert (refused.code, "is the last active admin" in refused.err) == (2, True), refused.err


async def test_texts_that_no_mutation_takes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only rules set, or no field shows, in a record that can be updated: the person goes out of that, too, not just of the report."""
    async with crm(database_url) as here:
        database = open_database(database_url)
        await database.open()
        try:
            graph = Graph(database)
            taken: Any = graph.graphql_schema.type_map["UpdateOpportunityInput"]
            monkeypatch.delitem(taken.fields, "source")
            (person,) = await find(database, here.contact)
            erased = await erasure.Eraser(graph, person).erase()
        finally:
            await database.close()
        assert erased.found["opportunity", "source", erasure.TAKEN_OUT] == 1
        state = await here.state(here.deal)
        assert state["source"] == f"by {MARK}"
        assert FIRST not in state["name"]


def test_columns_that_hold_texts() -> None:
    """A package's plain `str`, and SQLAlchemy's own types, are looked through as `field` columns are; instants and numbers aren't."""
    texts = {"own": CodePointText(), "plain": AutoString(), "long": UnicodeText()}
    others = {"at": Instant(), "day": CalendarDate(), "many": Integer()}
    table = Table("of_a_package", MetaData(), *(Column(name, type_) for name, type_ in (texts | others).items()))
    assert {column.name for column in occurrences._texts(table)} == {*texts}
