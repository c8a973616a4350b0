"""An extension as a team would write it, for the tests: fields with resolvers on deals and on Query."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import strawberry
from graphql import GraphQLError
from sqlalchemy import select
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission

from schema.engine.execute.resolvers.context import Context, Snapshot
from schema.extensions import Extension
from schema.nouns.all import Account, Opportunity
from schema.storage.workspace import WORKSPACE

extension = Extension(__name__)
CALLS: Counter[str] = Counter()
Info = strawberry.Info[Context, None]
_ACCOUNTS = select(Account.__table__.c.id).where(Account.__table__.c.workspace_id == WORKSPACE)


@strawberry.type(description="How a deal does.")
class Health:
    """A plain type with an attribute, and with resolvers of its own."""

    score: int = strawberry.field(description="From 0 on.")

    @strawberry.field(description="The score in words.")
    def words(self, *, loud: bool = False) -> str:
        CALLS["words"] += 1
        return f"{'GOOD' if loud else 'good'} {self.score}"

    @strawberry.field(description="Always fails.")
    async def fault(self) -> str | None:
        message = "no fault of yours"
        raise ValueError(message)


class WithACode(BasePermission):
    """Refuses with a code of its own."""

    message = "Not on Sundays."
    error_extensions = {"code": "CLOSED"}  # noqa: RUF012  as Strawberry has it

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return False


class MembersOnly(BasePermission):
    """For nobody with a viewer's token."""

    message = "Viewers may not read this."

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return bool(info.context.caller.role.may_write)


class Shouted(FieldExtension):
    """In capitals."""

    def resolve(self, next_: Any, source: Any, info: Any, **given: Any) -> Any:
        return next_(source, info, **given).upper()


@extension.field(Opportunity, "The deal in a line.", needs=("name", "value", "stage"))
def headline(deal: strawberry.Parent[Opportunity], info: Info, *, loud: bool = False) -> str:
    CALLS["headline"] += 1
    assert isinstance(deal, Opportunity)
    line = f"{deal.name}: {deal.value} at {deal.stage.name} for {info.context.caller.role}"
    return line.upper() if loud else line


@extension.field(Opportunity, "Its name, by way of Python.", needs=("name",))
def plain(deal: strawberry.Parent[Opportunity]) -> str:
    return deal.name


@extension.field(Opportunity, "The same, later.", needs=("name",))
async def slowly(deal: strawberry.Parent[Opportunity]) -> str:
    await asyncio.sleep(0)
    return deal.name


@extension.field(Opportunity, "Never in no time.", needs=("name",))
async def later(deal: strawberry.Parent[Opportunity]) -> str | None:
    await asyncio.sleep(60)
    return deal.name


@extension.field(Opportunity, "All at once.", needs=("id",), batch=True)
async def place(deals: strawberry.Parent[list[Opportunity]]) -> int:
    CALLS["place"] += 1
    return list(range(len(deals)))  # type: ignore[return-value]  a batch answers as many values


@extension.field(Opportunity, "How it does.", needs=("probability",))
def health(deal: strawberry.Parent[Opportunity]) -> Health:
    return Health(score=deal.probability)


@extension.field(Opportunity, "Its account, by way of Python.", needs=("account_id",))
def its_account(deal: strawberry.Parent[Opportunity]) -> Account | None:
    return SimpleNamespace(id=deal.account_id)  # type: ignore[return-value,attr-defined]  anything with an id will do


@extension.field(Opportunity, "For members.", permission_classes=[MembersOnly])
def secret(deal: strawberry.Parent[Opportunity]) -> str | None:
    CALLS["secret"] += 1
    return "hush"


@strawberry.type(description="A type of the package's own.")
class Drawer:
    """Its fields have permissions, too."""

    @strawberry.field(description="For members.", permission_classes=[MembersOnly])
    def key(self) -> str | None:
        return "key"

    @strawberry.field(description="For nobody.", permission_classes=[WithACode])
    def shut(self) -> str | None:
        return "never"


@extension.field(Opportunity, "A drawer.")
def drawer(deal: strawberry.Parent[Opportunity]) -> Drawer:
    return Drawer()


@extension.field(Opportunity, "In capitals.", needs=("source",), extensions=[Shouted()])
def shouted(deal: strawberry.Parent[Opportunity]) -> str:
    return deal.source or "none"


@extension.field(Opportunity, "Reads what it doesn't need.", needs=("id",))
def careless(deal: strawberry.Parent[Opportunity]) -> str | None:
    return deal.name


@extension.field(Opportunity, "Fails, and rules null out.", needs=("id",))
def broken(deal: strawberry.Parent[Opportunity]) -> str:
    CALLS["broken"] += 1
    message = "boom"
    raise ValueError(message)


@extension.field(Opportunity, "Dear.", cost=500)
def dear(deal: strawberry.Parent[Opportunity]) -> int:
    return 1


@extension.query("How many accounts there are, and at which revision.")
async def accounts_there_are(info: Info) -> list[int]:
    async def work(snapshot: Snapshot) -> list[int]:
        return [len(await snapshot.fetch(_ACCOUNTS)), await snapshot.revision()]

    return await info.context.read(work)


@extension.query("An account's deals, as Python names them.")
def deals_by_id(ids: list[strawberry.ID]) -> list[Opportunity | None]:
    return [SimpleNamespace(id=id_) for id_ in ids]  # type: ignore[misc]  anything with an id will do


class Timed(SchemaExtension):
    """Notes its hooks, adds to the answer, masks a message, and refuses an operation by its name."""

    def on_parse(self) -> Any:
        CALLS["parse"] += 1
        yield

    def on_validate(self) -> Any:
        CALLS["validate"] += 1
        yield

    async def on_operation(self) -> Any:
        CALLS["operation"] += 1
        if self.execution_context.operation_name == "Refused":
            message = "not today"
            raise GraphQLError(message, extensions={"code": "FORBIDDEN"})
        yield
        CALLS["operations ended"] += 1

    def on_execute(self) -> Any:
        yield
        for error in self.execution_context.result.errors or ():
            error.message = f"masked: {error.message[:5]}"

    def get_results(self) -> dict[str, Any]:
        return {"who": str(self.execution_context.context.caller.role)}


timed = Extension(f"{__name__}.timed", schema_extensions=[Timed])
