"""FastAPI + SQLModel, as their documentation shows them: models with relationships, a session a request, response models.

`def` endpoints in FastAPI's threads: on SQLite that is faster than an AsyncSession over aiosqlite. Parents are joined and links are read in
one statement (`joinedload`, `selectinload`), so there is no N+1.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import ForeignKeyConstraint, String, TypeDecorator, event
from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine, func, select
from ulid import ULID

WORKSPACE = os.environ["BENCH_WORKSPACE"]


class Stage(IntEnum):
    prospecting, qualification, needs_analysis, proposal, negotiation, closed_won, closed_lost = range(7)


class Instant(TypeDecorator[datetime]):
    """ISO 8601 text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        return value and value.strftime("%Y-%m-%dT%H:%M:%SZ")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        return value and datetime.fromisoformat(value)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Account(SQLModel, table=True):
    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str


class User(SQLModel, table=True):
    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str


class Link(SQLModel, table=True):
    __tablename__ = "opportunity_contact"
    __table_args__ = (ForeignKeyConstraint(["workspace_id", "opportunity_id"], ["opportunity.workspace_id", "opportunity.id"]),)

    workspace_id: str = Field(default=WORKSPACE, primary_key=True)
    opportunity_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    contact_id: str


class Opportunity(SQLModel, table=True):
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "account_id"], ["account.workspace_id", "account.id"]),
        ForeignKeyConstraint(["workspace_id", "assigned_to_id"], ["user.workspace_id", "user.id"]),
    )

    workspace_id: str = Field(default=WORKSPACE, primary_key=True)
    id: str = Field(default_factory=lambda: f"opp_{ULID()}", primary_key=True)
    name: str
    name_folded: str
    account_id: str
    value_cents: int | None = None
    stage: int
    probability: int
    probability_manual: bool = True
    close_date: date | None = None
    closed_date: date | None = None
    loss_reason: str | None = None
    assigned_to_id: str | None = None
    source: str | None = None
    source_folded: str | None = None
    description: str | None = None
    stage_since: datetime = Field(default_factory=_now, sa_type=Instant)
    created_at: datetime = Field(default_factory=_now, sa_type=Instant)
    updated_at: datetime = Field(default_factory=_now, sa_type=Instant)
    version: int = 1

    account: Account = Relationship()
    assignee: User | None = Relationship(sa_relationship_kwargs={"overlaps": "account"})
    links: list[Link] = Relationship(sa_relationship_kwargs={"order_by": "Link.position"})


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Item(Camel):
    id: str
    name: str
    account_id: str
    account_name: str
    value: int | float | None
    stage: str
    probability: int
    close_date: date | None
    assigned_to: str | None
    source: str | None
    created_at: datetime
    updated_at: datetime


class Detail(Camel):
    id: str
    name: str
    account_id: str
    account_name: str
    value: int | float | None
    stage: str
    probability: int
    close_date: date | None
    closed_date: date | None
    loss_reason: str | None
    assigned_to: str | None
    assigned_to_name: str | None
    source: str | None
    contact_ids: list[str]
    description: str | None
    created_at: datetime
    updated_at: datetime


class Page(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[Item]


class Creation(Camel):
    name: str
    account_id: str
    value: float | None = None
    stage: str = "prospecting"
    probability: int = 10
    close_date: date | None = None
    assigned_to: str | None = None
    source: str | None = None
    contact_ids: list[str] = []
    description: str | None = None


class Change(Camel):
    stage: str | None = None
    probability: int | None = None


def _shared(deal: Opportunity) -> dict[str, Any]:
    cents = deal.value_cents
    return {
        "id": deal.id,
        "name": deal.name,
        "account_id": deal.account_id,
        "account_name": deal.account.name,
        "value": None if cents is None else cents // 100 if cents % 100 == 0 else cents / 100,
        "stage": Stage(deal.stage).name,
        "probability": deal.probability,
        "close_date": deal.close_date,
        "assigned_to": deal.assigned_to_id,
        "source": deal.source,
        "created_at": deal.created_at,
        "updated_at": deal.updated_at,
    }


def _detail(deal: Opportunity) -> Detail:
    return Detail(
        **_shared(deal),
        closed_date=deal.closed_date,
        loss_reason=deal.loss_reason,
        assigned_to_name=deal.assignee and deal.assignee.name,
        contact_ids=[link.contact_id for link in deal.links],
        description=deal.description,
    )


engine = create_engine(f"sqlite:///{os.environ['BENCH_DATABASE']}")


@event.listens_for(engine, "connect")
def _settings(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=1073741824", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _session() -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session:
        yield session


Sessions = Annotated[Session, Depends(_session)]
app = FastAPI()


@app.get("/api/opportunities/")
def list_opportunities(
    request: Request,
    session: Sessions,
    stage: str | None = None,
    value_min: Annotated[float | None, Query(alias="valueMin")] = None,
    close_date_after: Annotated[date | None, Query(alias="closeDateAfter")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page: Annotated[int, Query(ge=1)] = 1,
) -> Page:
    where = [Opportunity.workspace_id == WORKSPACE]
    if stage is not None:
        where.append(Opportunity.stage == Stage[stage])
    if value_min is not None:
        where.append(Opportunity.value_cents >= round(value_min * 100))
    if close_date_after is not None:
        where.append(Opportunity.close_date >= close_date_after)
    count = session.exec(select(func.count()).select_from(Opportunity).where(*where)).one()
    newest = select(Opportunity).where(*where).options(joinedload(Opportunity.account))
    newest = newest.order_by(Opportunity.created_at.desc(), Opportunity.id.desc()).limit(limit).offset((page - 1) * limit)
    return Page(
        count=count,
        next=str(request.url.include_query_params(page=page + 1)) if page * limit < count else None,
        previous=str(request.url.include_query_params(page=page - 1)) if page > 1 else None,
        results=[Item(**_shared(deal)) for deal in session.exec(newest)],
    )


def _find(session: Session, id_: str) -> Opportunity:
    loads = (joinedload(Opportunity.account), joinedload(Opportunity.assignee), selectinload(Opportunity.links))
    deal = session.exec(select(Opportunity).where(Opportunity.workspace_id == WORKSPACE, Opportunity.id == id_).options(*loads)).first()
    if deal is None:
        raise HTTPException(404, "Not found.")
    return deal


@app.get("/api/opportunities/{id_}/")
def get_opportunity(id_: str, session: Sessions) -> Detail:
    return _detail(_find(session, id_))


@app.patch("/api/opportunities/{id_}/")
def update_opportunity(id_: str, change: Change, session: Sessions) -> Detail:
    deal = _find(session, id_)
    if change.stage is not None:
        deal.stage = Stage[change.stage]
    if change.probability is not None:
        deal.probability = change.probability
    deal.updated_at, deal.version = _now(), deal.version + 1
    session.commit()
    return _detail(deal)


@app.post("/api/opportunities/", status_code=201)
def create_opportunity(new: Creation, session: Sessions) -> Detail:
    deal = Opportunity(
        name=new.name,
        name_folded=new.name.casefold(),
        account_id=new.account_id,
        value_cents=None if new.value is None else round(new.value * 100),
        stage=Stage[new.stage],
        probability=new.probability,
        close_date=new.close_date,
        assigned_to_id=new.assigned_to,
        source=new.source,
        source_folded=new.source and new.source.casefold(),
        description=new.description,
        links=[Link(position=position, contact_id=contact) for position, contact in enumerate(new.contact_ids)],
    )
    session.add(deal)
    session.commit()
    return _detail(deal)
