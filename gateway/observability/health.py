"""`/healthz` and `/readyz`: is the process alive, and may it be sent requests? No token, and no place among the requests in flight."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway import VERSION
from gateway.migrations import Package, head_is_current
from schema.storage.database import Database, DatabaseUnavailable

PROBE_SECONDS: Final = 2.0
WELL: Final = {"database": "ok", "migrations": "ok"}
NO_STORE: Final = {"Cache-Control": "no-store"}


#: The process answers.
ALIVE: Final = JSONResponse({"status": "ok", "version": VERSION}, headers=NO_STORE)


class Readiness:
    """200 when the database answers, takes writes and is at the newest revision, and the process isn't stopping; else 503 and the reason.

    Nobody needs a token to ask: all who ask at once share one look, so that they take one connection at most.
    """

    def __init__(self, database: Database, stopping: Callable[[], bool], packages: Sequence[Package] = ()) -> None:
        self.database = database
        self.stopping = stopping
        self.packages = packages
        self._looking: asyncio.Task[Mapping[str, str]] | None = None
        self._last: Mapping[str, str] = WELL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        checks = {"process": "stopping" if self.stopping() else "ok", **await asyncio.shield(self._looking)}
        ready = all(result == "ok" for result in checks.values())
        told = {"status": "ready" if ready else "unavailable", "checks": checks}
        await JSONResponse(told, 200 if ready else 503, headers=NO_STORE)(scope, receive, send)

    async def _look(self) -> Mapping[str, str]:
        found = await self._checks()
        if found != self._last:
            self._last = found
            structlog.get_logger().info("readiness", **found)
        return found

    async def _checks(self) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self.database.check()
                current = await head_is_current(self.database, self.packages)
        except DatabaseUnavailable as error:
            return {"database": error.state, "migrations": "unknown"}
        except Exception:  # noqa: BLE001  whatever it is, requests would meet it too; the log has it from them
            return {"database": DatabaseUnavailable.state, "migrations": "unknown"}
        return WELL if current else {**WELL, "migrations": "pending"}
