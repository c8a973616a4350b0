"""PostgreSQL's processes, of which each serves one connection of a pool."""

import asyncio

from sqlalchemy import Double, bindparam, func, select

from schema.storage.database import Connection, Database


async def sleep(database: Database, seconds: float) -> int:
    """The process that slept, in PostgreSQL."""
    slept = database.compile(select(func.pg_backend_pid(), func.pg_sleep(bindparam("seconds", required=True, type_=Double()))))
    return int((await database.fetch(slept, {"seconds": seconds}))[0][0])


async def each_connection(database: Database, size: int) -> set[int]:
    """The processes of `size` connections, each held until all of them are, however long a busy machine takes to open one."""
    asked, held, all_held = database.compile(select(func.pg_backend_pid())), set[int](), asyncio.Event()

    async def hold(connection: Connection) -> int:
        process = int((await connection.fetch(asked, {}))[0][0])
        held.add(process)
        if len(held) >= size:
            all_held.set()
        await all_held.wait()
        return process

    return set(await asyncio.gather(*(database.read(hold) for _ in range(size))))
