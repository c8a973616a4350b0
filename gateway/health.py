"""`/healthz` and `/readyz`: is the process alive, and may it be sent requests? No token, and no place among the requests in flight."""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.responses import JSONResponse

from gateway.migrations import head_is_current
from schema.storage.database import Database, StorageError

PROBE_SECONDS: Final = 2.0
NO_STORE: Final = {"Cache-Control": "no-store"}


async def alive() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers=NO_STORE)


class Readiness:
    """200 when the database answers and stands at the newest revision, and the process isn't stopping; else 503 and which it was."""

    def __init__(self, database: Database, stopping: Callable[[], bool]) -> None:
        self.database = database
        self.stopping = stopping

    async def __call__(self) -> JSONResponse:
        checks = {"process": "stopping" if self.stopping() else "ok", **await self._look()}
        ready = all(result == "ok" for result in checks.values())
        return JSONResponse({"status": "ready" if ready else "unavailable", "checks": checks}, 200 if ready else 503, headers=NO_STORE)

    async def _look(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                current = await head_is_current(self.database)
        except (StorageError, TimeoutError):
            return {"database": "unavailable", "migrations": "unknown"}
        return {"database": "ok", "migrations": "ok" if current else "pending"}
