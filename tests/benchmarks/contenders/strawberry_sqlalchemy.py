"""Strawberry + SQLAlchemy's async ORM + DataLoaders, as their documentation shows them: a session a loader's batch, loaders a request.

Documents are parsed and validated once (Strawberry's two caches), connections to SQLite are kept.
"""

import base64
import enum
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import strawberry
from sqlalchemy import ForeignKeyConstraint, event, func, select, tuple_
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

WORKSPACE = os.environ["BENCH_WORKSPACE"]


class Base(DeclarativeBase):
    """The tables as they are."""


class AccountRow(Base):
    __tablename__ = "account"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class UserRow(Base):
    __tablename__ = "user"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class ContactRow(Base):
    __tablename__ = "contact"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]


class LinkRow(Base):
    __tablename__ = "opportunity_contact"
    __table_args__ = (ForeignKeyConstraint(["workspace_id", "contact_id"], ["contact.workspace_id", "contact.id"]),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    opportunity_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[str]


class OpportunityRow(Base):
    __tablename__ = "opportunity"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    account_id: Mapped[str]
    value_cents: Mapped[int | None]
    stage: Mapped[int]
    probability: Mapped[int]
    close_date: Mapped[date | None]
    assigned_to_id: Mapped[str | None]
    created_at: Mapped[str]


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_DATABASE']}")
sessions = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _settings(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=1073741824", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


@strawberry.enum
class OpportunityStage(enum.IntEnum):
    PROSPECTING, QUALIFICATION, NEEDS_ANALYSIS, PROPOSAL, NEGOTIATION, CLOSED_WON, CLOSED_LOST = range(7)


@strawberry.type
class Account:
    id: strawberry.ID
    name: str


@strawberry.type
class User:
    id: strawberry.ID
    name: str


@strawberry.type
class Contact:
    id: strawberry.ID
    email: str


@strawberry.type
class Opportunity:
    id: strawberry.ID
    name: str
    value: float | None
    stage: OpportunityStage
    probability: int
    close_date: date | None
    account_id: strawberry.Private[str]
    assigned_to_id: strawberry.Private[str | None]

    @strawberry.field
    async def account(self, info: strawberry.Info) -> Account:
        return await info.context["accounts"].load(self.account_id)

    @strawberry.field
    async def assigned_to(self, info: strawberry.Info) -> User | None:
        return await info.context["users"].load(self.assigned_to_id) if self.assigned_to_id else None

    @strawberry.field
    async def contacts(self, info: strawberry.Info) -> list[Contact]:
        return await info.context["contacts"].load(self.id)


@strawberry.type
class OpportunityEdge:
    cursor: str
    node: Opportunity


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class OpportunityConnection:
    edges: list[OpportunityEdge]
    page_info: PageInfo
    where: strawberry.Private[Any]

    @strawberry.field
    async def total_count(self) -> int:
        async with sessions() as session:
            return await session.scalar(select(func.count()).select_from(OpportunityRow).where(*self.where)) or 0


@strawberry.input
class StageFilter:
    eq: OpportunityStage | None = None


@strawberry.input
class OpportunityFilter:
    stage: StageFilter | None = None


@strawberry.type
class Query:
    @strawberry.field
    async def opportunity(self, id: strawberry.ID) -> Opportunity | None:  # noqa: A002  as clients name it
        async with sessions() as session:
            row = await session.get(OpportunityRow, (WORKSPACE, id))
        return _deal(row) if row else None

    @strawberry.field
    async def opportunities(
        self,
        first: int = 20,
        after: str | None = None,
        filter: OpportunityFilter | None = None,  # noqa: A002  as clients name it
    ) -> OpportunityConnection:
        where = [OpportunityRow.workspace_id == WORKSPACE]
        if filter and filter.stage and filter.stage.eq is not None:
            where.append(OpportunityRow.stage == int(filter.stage.eq))
        newest = select(OpportunityRow).where(*where).order_by(OpportunityRow.created_at.desc(), OpportunityRow.id.desc())
        if after:
            newest = newest.where(tuple_(OpportunityRow.created_at, OpportunityRow.id) < tuple(json.loads(base64.urlsafe_b64decode(after))))
        async with sessions() as session:
            rows = (await session.scalars(newest.limit(first + 1))).all()
        edges = [OpportunityEdge(cursor=_cursor(row), node=_deal(row)) for row in rows[:first]]
        info = PageInfo(has_next_page=len(rows) > first, end_cursor=edges[-1].cursor if edges else None)
        return OpportunityConnection(edges=edges, page_info=info, where=where)


def _deal(row: OpportunityRow) -> Opportunity:
    return Opportunity(
        id=strawberry.ID(row.id),
        name=row.name,
        value=None if row.value_cents is None else row.value_cents / 100,
        stage=OpportunityStage(row.stage),
        probability=row.probability,
        close_date=row.close_date,
        account_id=row.account_id,
        assigned_to_id=row.assigned_to_id,
    )


def _cursor(row: OpportunityRow) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.created_at, row.id]).encode()).decode()


def _by_id(table: Any, shape: Callable[[Any], Any]) -> Callable[[list[str]], Awaitable[Sequence[Any]]]:
    async def load(ids: list[str]) -> Sequence[Any]:
        async with sessions() as session:
            rows = await session.scalars(select(table).where(table.workspace_id == WORKSPACE, table.id.in_(ids)))
        found = {row.id: shape(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    return load


async def _contacts(ids: list[str]) -> Sequence[list[Contact]]:
    pairs = select(LinkRow.opportunity_id, ContactRow).join(
        ContactRow, (ContactRow.workspace_id == LinkRow.workspace_id) & (ContactRow.id == LinkRow.contact_id)
    )
    pairs = pairs.where(LinkRow.workspace_id == WORKSPACE, LinkRow.opportunity_id.in_(ids)).order_by(
        LinkRow.opportunity_id, LinkRow.position
    )
    found: dict[str, list[Contact]] = {id_: [] for id_ in ids}
    async with sessions() as session:
        for opportunity_id, row in await session.execute(pairs):
            found[opportunity_id].append(Contact(id=strawberry.ID(row.id), email=row.email))
    return [found[id_] for id_ in ids]


_accounts = _by_id(AccountRow, lambda row: Account(id=row.id, name=row.name))
_users = _by_id(UserRow, lambda row: User(id=row.id, name=row.name))


class App(GraphQL[dict[str, Any], None]):
    """Loaders of its own for each request."""

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        loaders = {"accounts": DataLoader(_accounts), "users": DataLoader(_users), "contacts": DataLoader(_contacts)}
        return {"request": request, **loaders}


app = App(strawberry.Schema(query=Query, extensions=[ParserCache, ValidationCache]), graphql_ide=None)
