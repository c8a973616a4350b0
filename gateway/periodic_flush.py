"""Figures that are collected beside the requests, and written every few seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from schema.storage.database import StorageError

FLUSH_SECONDS: Final = 10.0


@asynccontextmanager
async def flushing(flush: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call `flush` every few seconds while the context is open, and once at its end. Errors are logged."""
    task = asyncio.create_task(_repeat(flush))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _try(flush)


async def _repeat(flush: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await _try(flush)


async def _try(flush: Callable[[], Awaitable[None]]) -> None:
    try:
        await flush()
    except StorageError as error:
        structlog.get_logger().warning("Uses are not written yet, since the database can't be asked.", error=str(error))
    except Exception:  # noqa: BLE001  a count is never worth the process
        structlog.get_logger().warning("Uses are not written.", exc_info=True)
