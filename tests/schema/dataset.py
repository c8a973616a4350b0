"""Small, nasty data for the graph's tests: two workspaces with nulls, ties, and texts whose case and order are beyond ASCII."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import bindparam, insert
from sqlmodel import SQLModel

from schema.engine.execute.responses import GraphQLResponse
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.rules.stages import FIRST_CLOSED, LOST, STAGES
from schema.rules.text import fold, fold_email
from schema.storage.database import Connection, Database

Row = dict[str, Any]

WORDS = (
    "Straße",
    "STRASSE",
    "ＦＵＬＬ",
    "İstanbul",
    "istanbul",
    "100%",
    "a_b",
    "aXb",
    "ﬁne",
    "FINE",
    "Ωmega",
    "ωMEGA",
    "Cafe\u0301",
    "CAFÉ",
    "\u1112\u1161\u11ab",
    "a\u00a0b",
    "Zed",
    "zed",
    "🙂",
    "\\",
    "'q\"",
)
SOURCES = (None, "", "Web", "web", "Réf%", "a_c", "RÉF%")
INSTANTS = ("2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z", "2025-06-30T23:59:59Z", "2025-12-31T12:00:00Z")
DAYS = (None, "2024-12-31", "2025-01-01", "2025-02-28", "2025-03-31", "2026-12-31")
CENTS = (None, 0, 1, 50, 4_800_050, 4_800_000, 10**15 - 1, 333)
CANARY = "Canary"


@dataclass(slots=True)
class Tenant:
    """The rows of one workspace, by table, and who may ask for what."""

    id: str
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        return self.tables[table]

    def ids(self, table: str) -> list[str]:
        return [row["id"] for row in self.tables[table]]

    def caller(self, role: Role = Role.ADMIN, **members: Any) -> Caller:
        given = {"user_id": None, "account_id": None, "token_id": "key_test", **members}
        return Caller(workspace_id=self.id, role=role, **given)

    def viewer(self) -> Caller:
        """A viewer limited to the account with the most deals."""
        accounts = [deal["account_id"] for deal in self.tables["opportunity"]]
        account = max(sorted(set(accounts)), key=accounts.count)
        return self.caller(Role.VIEWER, account_id=account, token_id="key_viewer")

    def contacts_of(self, deal_id: str) -> list[str]:
        links = [link for link in self.tables["opportunity_contact"] if link["opportunity_id"] == deal_id]
        return [link["contact_id"] for link in sorted(links, key=lambda link: link["position"])]


@dataclass(slots=True)
class World:
    """A database with two workspaces, `here` and `there`, and a graph over it."""

    database: Database
    graph: Graph
    here: Tenant
    there: Tenant


def make_id(random: Random, prefix: str) -> str:
    return f"{prefix}_{''.join(random.choices('0123456789ABCDEFGHJKMNPQRSTVWXYZ', k=26))}"


def make_tenant(random: Random, name: str, *, deals: int = 60, mark: str = "") -> Tenant:
    """A workspace whose every text holds `mark`."""
    tenant = Tenant(make_id(random, "ws"))
    base = {"workspace_id": tenant.id}
    workspace = {"id": tenant.id, "name": name, "currency": "EUR", "revision": 1, "created_at": INSTANTS[0]}
    accounts = [base | _account(random, mark) for _ in range(6)]
    users = [base | _user(random, mark, place, accounts) for place in range(5)]
    contacts = [base | _contact(random, mark, place, accounts) for place in range(15)]
    tenant.tables = {"workspace": [workspace], "account": accounts, "user": users, "contact": contacts}
    tenant.tables |= {"opportunity": [], "opportunity_contact": [], "stage_change": [], "api_key": [base | _key(random, mark, accounts)]}
    for _ in range(deals):
        _add_deal(random, tenant, mark)
    tenant.tables["audit_entry"] = [base | _audit_entry(Random(place), tenant, mark) for place in range(12)]
    return tenant


def _times(random: Random) -> Row:
    created, updated = sorted(random.choices(INSTANTS, k=2))
    return {"created_at": created, "updated_at": updated, "version": random.randrange(1, 4)}


def _account(random: Random, mark: str) -> Row:
    name = f"{mark}{random.choice(WORDS)} {random.choice(WORDS)}"
    more = {"website": random.choice((None, f"https://{mark}a.example")), "industry": random.choice((None, f"{mark}Steel"))}
    return {"id": make_id(random, "acc"), "name": name, "name_folded": fold(name), **more, **_times(random)}


def _user(random: Random, mark: str, place: int, accounts: list[Row]) -> Row:
    name, email = f"{mark}{random.choice(WORDS)}", f"{mark}User{place}@Example.com"
    return {
        "id": make_id(random, "usr"),
        "name": name,
        "search_folded": fold(f"{name}\n{email}"),
        "email": email,
        "email_folded": fold_email(email),
        "role": ("admin", "member", "member", "viewer", "viewer")[place],
        "is_active": place != 3,
        "account_id": accounts[place - 3]["id"] if place > 2 else None,
        **_times(random),
    }


def _contact(random: Random, mark: str, place: int, accounts: list[Row]) -> Row:
    first, last = random.choice((None, f"{mark}{random.choice(WORDS)}")), f"{mark}{random.choice(WORDS)}"
    name, email = " ".join(part for part in (first, last) if part), f"{mark}C{place}@Example.com"
    return {
        "id": make_id(random, "cnt"),
        "first_name": first,
        "last_name": last,
        "name": name,
        "search_folded": fold(f"{name}\n{email}"),
        "email": email,
        "email_folded": fold_email(email),
        "phone": random.choice((None, f"{mark}+1 555")),
        "title": None,
        "account_id": random.choice((None, *(account["id"] for account in accounts))),
        **_times(random),
    }


def _key(random: Random, mark: str, accounts: list[Row]) -> Row:
    more = {"role": "viewer", "account_id": accounts[1]["id"], "token_hash": make_id(random, "hash"), "created_at": INSTANTS[0]}
    return {
        "id": make_id(random, "key"),
        "name": f"{mark}Key",
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
        **more,
        "scopes": f"{mark}a b",
    }


def _audit_entry(random: Random, tenant: Tenant, mark: str) -> Row:
    (key,) = tenant.ids("api_key")
    by = random.choice(({"by_id": None, "by_key_id": None}, {"by_id": random.choice(tenant.ids("user")), "by_key_id": None}))
    of = random.choice(({"user_id": random.choice(tenant.ids("user")), "api_key_id": None}, {"user_id": None, "api_key_id": key}))
    changed = random.choice((f"{mark}name", f"{mark}name role", ""))
    kind = (
        random.choice(("user_created", "user_changed")) if of["user_id"] else random.choice(("key_created", "key_rotated", "key_revoked"))
    )
    times = {"created_at": random.choice(INSTANTS), "changed_fields": changed, "details": random.choice((None, f"role: {mark}admin"))}
    return {"id": make_id(random, "aud"), "kind": kind, **by, **of, **times}


def _add_deal(random: Random, tenant: Tenant, mark: str) -> None:
    id_, stage = make_id(random, "opp"), random.randrange(len(STAGES))
    name = f"{mark}{' '.join(random.choices(WORDS, k=2))}"
    source = random.choice(SOURCES)
    source = source and f"{mark}{source}"
    manual = random.random() < 0.3
    row = {
        "workspace_id": tenant.id,
        "id": id_,
        "name": name,
        "name_folded": fold(name),
        "account_id": random.choice(tenant.ids("account")),
        "value_cents": random.choice(CENTS),
        "stage": stage,
        "probability": random.randrange(101) if manual else STAGES[stage].default_probability,
        "probability_manual": manual,
        "close_date": random.choice(DAYS),
        "closed_date": random.choice(DAYS[1:]) if stage >= FIRST_CLOSED else None,
        "loss_reason": f"{mark}Price" if stage == LOST else None,
        "assigned_to_id": random.choice((None, *tenant.ids("user"))),
        "source": source,
        "source_folded": source if source is None else fold(source),
        "description": random.choice((None, f"{mark}text")),
        "stage_since": INSTANTS[0],
        **_times(random),
    }
    row["stage_since"] = row["created_at"]
    tenant.tables["opportunity"].append(row)
    linked = random.sample(tenant.ids("contact"), random.randrange(4))
    here = {"workspace_id": tenant.id, "opportunity_id": id_}
    tenant.tables["opportunity_contact"] += [{**here, "position": place, "contact_id": each} for place, each in enumerate(linked)]
    tenant.tables["stage_change"] += _changes(random, tenant, row, here)


def _changes(random: Random, tenant: Tenant, deal: Row, here: Row) -> list[Row]:
    path = [*random.choices(range(FIRST_CLOSED), k=random.randrange(3)), deal["stage"]]
    changes = []
    before: int | None = None
    for sequence, stage in enumerate(path, 1):
        by, key = random.choice(((None, None), (None, tenant.ids("api_key")[0]), *((user, None) for user in tenant.ids("user"))))
        at = max(INSTANTS[min(sequence - 1, 3)], deal["created_at"])
        duration = None if before is None else 60 * sequence
        step = {"sequence": sequence, "from_stage": before, "to_stage": stage, "at": at, "by_id": by, "by_key_id": key}
        changes.append({**here, **step, "duration": duration})
        before = stage
    return changes


async def fill(database: Database, tenant: Tenant) -> None:
    """Writes a workspace's rows."""

    async def work(connection: Connection) -> None:
        for table, rows in tenant.tables.items():
            clause = insert(SQLModel.metadata.tables[table])
            for names in {tuple(row): None for row in rows}:
                statement = database.compile(clause.values({name: _bind(table, name) for name in names}))
                await connection.execute_many(statement, [row for row in rows if tuple(row) == names])

    await database.write(work)


def _bind(table: str, name: str) -> Any:
    return bindparam(name, type_=SQLModel.metadata.tables[table].c[name].type, required=True)


async def ask(graph: Graph, document: str, caller: Caller, variables: Row | None = None) -> GraphQLResponse:
    """Runs the only operation of a document."""
    return await graph.run(graph.prepare(document), variables, caller)


async def data(graph: Graph, document: str, caller: Caller, variables: Row | None = None) -> Any:
    """The data of an operation that has no errors."""
    answer = await ask(graph, document, caller, variables)
    assert answer.errors is None, answer.errors
    return answer.data
