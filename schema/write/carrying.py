"""The root fields of a mutation carried out one after the other, each in a transaction of its own (specification section 6.2.2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..plan.operation import WriteStep
from ..plan.variables import Variables
from ..rules.access import Caller
from ..rules.errors import GatewayError, ServiceUnavailable
from ..storage.database import Database, Unavailable
from .transaction import Call, perform


@dataclass(slots=True)
class Carried:
    """What became of a mutation: the answer of each root field, null where it failed; why it did; whether a kept answer was told again."""

    data: dict[str, Any] = field(default_factory=dict)
    failures: list[tuple[WriteStep, Exception]] = field(default_factory=list)
    replayed: bool = False
    answered: bool = False
    ours: Exception | None = None
    """The first failure that lies with us: the database, or a defect."""
    away: bool = False
    """Whether the database was: what follows isn't tried then, or the answer would come too late to tell what was done before."""

    def answer(self, key: str, payload: Any, *, replayed: bool) -> None:
        """A root field that was carried out."""
        self.data[key] = payload
        self.answered = True
        self.replayed |= replayed

    def fail(self, step: WriteStep, error: Exception) -> None:
        """A root field that was not carried out."""
        self.data[step.key] = None
        if not isinstance(error, GatewayError):
            self.ours = self.ours or error
        self.away = self.away or isinstance(error, Unavailable)
        self.failures.append((step, error))


async def carry_out(
    database: Database, calls: Sequence[tuple[str, Any]], variables: Variables, caller: Caller, room: int, tried: Callable[[Call], None]
) -> Carried:
    """Carries out `calls`, in order, by response key; what is no Call is its own answer. The answers may have `room`
    bytes in all. `tried` is called after each, before it is answered, however it ended: it may have been committed.

    A root field that fails is told, and those after it are carried out all the same. Raises StorageError, or a defect, where nothing could
    be done for it: then the request as a whole is worth another try.
    """
    carried = Carried()
    for key, call in calls:
        if not isinstance(call, Call):
            carried.data[key] = call
        elif carried.away:
            carried.fail(call.step, ServiceUnavailable(Unavailable.public))
        else:
            try:
                payload, replayed = await perform(database, call, variables, caller, room)
            except Exception as error:  # noqa: BLE001  whatever it is, what was done before it must be told
                carried.fail(call.step, error)
            else:
                carried.answer(key, payload, replayed=replayed)
                room -= len(orjson.dumps(payload)) if len(calls) > 1 else 0
            finally:
                tried(call)
    if carried.ours is not None and not carried.answered:
        raise carried.ours
    return carried
