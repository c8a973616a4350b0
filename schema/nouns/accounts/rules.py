"""The rules of writing an account: whoever is limited to it must not come to see everything by its deletion."""

from sqlalchemy import bindparam, func, or_, select, update
from typing_extensions import override

from schema.engine.write.inputs import InputError
from schema.engine.write.rules import RecordValues, Rules, rules_of
from schema.engine.write.write_transaction import WriteReader, WriteTransaction
from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.user import User
from schema.sql_types import Bind
from schema.storage.columns import CodePointText
from schema.storage.workspace import WORKSPACE

from .account import Account

_USER = User.__table__
_KEY = ApiKey.__table__
_ROW: Bind = bindparam("row_id", type_=CodePointText(), required=True)
_NOW: Bind = bindparam("now", type_=_KEY.c.expires_at.type, required=True)
_OF_ACCOUNT = (_KEY.c.workspace_id == WORKSPACE, _KEY.c.account_id == _ROW)
_WORKING = (_KEY.c.revoked_at.is_(None), or_(_KEY.c.expires_at.is_(None), _KEY.c.expires_at > _NOW))
_LIMITED_TO = (
    select(_USER.c.id)
    .where(_USER.c.workspace_id == WORKSPACE, _USER.c.account_id == _ROW)
    .union_all(select(_KEY.c.id).where(*_OF_ACCOUNT, *_WORKING))
)
# Keys that are revoked or expired hold nothing. One that has merely expired is revoked too: without its limit it must never work again.
_LET_GO = update(_KEY).where(*_OF_ACCOUNT).values(account_id=None, revoked_at=func.coalesce(_KEY.c.revoked_at, _NOW))


@rules_of(Account)
class AccountRules(Rules):
    """A deletion is refused while viewers or working keys are limited to the account."""

    @override
    async def removable(self, reader: WriteReader, row: RecordValues) -> list[InputError]:
        if not await reader.fetch(_LIMITED_TO, row_id=row["id"], now=reader.now):
            return []
        message = "A viewer or a key is limited to this account: change or revoke it first, or it would see everything."
        return [InputError("CONFLICT", "IN_USE", None, message)]

    @override
    async def removing(self, transaction: WriteTransaction, row: RecordValues) -> None:
        await transaction.execute(_LET_GO, {"row_id": row["id"], "now": transaction.now})
