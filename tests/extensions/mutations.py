"""An extension with mutations as a team would write them, for the tests."""

import asyncio
import time

import strawberry
from graphql import GraphQLError
from sqlalchemy import bindparam, select, update
from strawberry.permission import BasePermission

from schema.engine.write.unit_of_work import WriteContext
from schema.extensions import Extension
from schema.nouns.all import Account, Opportunity
from schema.storage.workspace import WORKSPACE
from tests.extensions.deals import CALLS

extension = Extension(__name__)
Info = strawberry.Info[WriteContext, None]
_ACCOUNT = Account.__table__
_HERE = (_ACCOUNT.c.workspace_id == WORKSPACE, _ACCOUNT.c.id == bindparam("account"))
_RENAME = update(_ACCOUNT).where(*_HERE).values(name=bindparam("name", type_=_ACCOUNT.c.name.type))
_NAME = select(_ACCOUNT.c.name).where(*_HERE)
_UNBOUND = select(_ACCOUNT.c.name)


@strawberry.type(description="A deal that was won, or why not.")
class Won:
    """What became of it."""

    opportunity: Opportunity | None = strawberry.field(description="The deal.")
    user_errors: list[str] = strawberry.field(description="What to mend.")

    @strawberry.field(description="Words on it.")
    def cheers(self, times: int = 1) -> str:
        CALLS["cheers"] += 1
        return "hooray " * times

    @strawberry.field(description="Always fails.")
    def groan(self) -> str | None:
        message = "no hooray"
        raise ValueError(message)


@strawberry.input(description="What to do with it.")
class WinInput:
    """How it is won."""

    value: int = strawberry.field(description="For how much.", default=0)
    refuse: bool = strawberry.field(description="Whether to refuse it after all.", default=False)


class Trusted(BasePermission):
    """For admins."""

    message = "Only the trusted may."

    def has_permission(self, source: object, info: strawberry.Info[WriteContext, None], **_: object) -> bool:
        return info.context.caller.role == "admin"


@extension.mutation("Wins a deal.")
async def win_deal(info: Info, id: strawberry.ID, how: WinInput) -> Won | None:  # noqa: A002
    CALLS["win_deal"] += 1
    done = await info.context.unit.mutate("updateOpportunity", id=id, input={"stage": "CLOSED_WON", "value": how.value})
    errors = [error["message"] for error in done.user_errors] + (["refused"] if how.refuse else [])
    return Won(opportunity=done if done.id else None, user_errors=errors)  # type: ignore[arg-type]


@extension.mutation("Renames an account by SQL of its own, and answers the name that is read back.")
async def rename(info: Info, account: strawberry.ID, name: str) -> str | None:
    unit = info.context.unit
    await unit.execute(_RENAME, account=account, name=name)
    rows = await unit.fetch(_NAME, account=account)
    return rows[0][0] if rows else None


@extension.mutation("A plain function, which fails after what it did, as it is told.")
def quick(info: Info, how: str) -> int | None:
    if how == "error":
        message = "boom"
        raise ValueError(message)
    if how == "coded":
        message = "not like this"
        raise GraphQLError(message, extensions={"code": "NOT_LIKE_THIS"})
    return info.context.unit.revision


@extension.mutation("Waits for something else.")
async def waits(info: Info, account: strawberry.ID, stubborn: bool = False) -> str | None:  # noqa: FBT001, FBT002
    await info.context.unit.execute(_RENAME, account=account, name="waited")
    try:
        await asyncio.sleep(0.01)
    except RuntimeError:
        if not stubborn:
            raise
    return "done all the same"


@extension.mutation("Takes too long, without waiting.")
async def slow(info: Info, account: strawberry.ID) -> str | None:
    await info.context.unit.execute(_RENAME, account=account, name="slow")
    time.sleep(0.05)  # noqa: ASYNC251  what it should not do
    return "late"


@extension.mutation("Reads without a workspace.")
async def unbound(info: Info) -> str | None:
    return str(await info.context.unit.fetch(_UNBOUND))


@extension.mutation("For the trusted.", permission_classes=[Trusted])
async def trusted(info: Info, account: strawberry.ID) -> str | None:
    await info.context.unit.execute(_RENAME, account=account, name="trusted")
    return "welcome"


@extension.mutation("For admins.", admin=True)
def admins() -> str | None:
    return "welcome"
