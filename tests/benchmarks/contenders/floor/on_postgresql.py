"""The floor on PostgreSQL: the same by asyncpg, with a pool, rows straight from prepared statements."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import orjson
from ulid import ULID

from . import queries
from .bare import address, found, read, respond

_PREFIX = "/api/opportunities/"

# The same statements with PostgreSQL's quoting and places.
_USER = ("LEFT JOIN user u", 'LEFT JOIN "user" u')


def _dollars(text: str) -> str:
    first, *rest = text.replace(*_USER).split("?")
    return first + "".join(f"${place}{part}" for place, part in enumerate(rest, 1))


_DETAIL, _LINKS, _DEALS, _DEAL = (_dollars(text) for text in (queries.DETAIL, queries.LINKS, queries.DEALS, queries.DEAL))
_PATCH, _INSERT, _LINK = (_dollars(text) for text in (queries.PATCH, queries.INSERT, queries.LINK))
_INSERT = _INSERT.replace(", 1, $9", ", TRUE, $9")
_COUNT_STAGE = _dollars(queries.counted(" AND o.stage = ?"))
_CONTACTS = _dollars(queries.CONTACTS.replace("IN ({})", "= ANY(?)"))


async def _prepare(connection: Any) -> None:
    """Days and instants as the text that is answered: PostgreSQL writes them faster than Python would."""
    await connection.set_type_codec("date", schema="pg_catalog", encoder=str, decoder=str)
    await connection.set_type_codec("timestamptz", schema="pg_catalog", encoder=str, decoder=_shown)


def _shown(text: str) -> str:
    """`2026-01-31 10:00:00+00` as ISO 8601."""
    return f"{text[:10]}T{text[11:19]}Z"


class App:
    """Routes by hand, as `bare` does."""

    def __init__(self, url: str, workspace: str) -> None:
        self._url, self._workspace = url, workspace
        self._pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, body = await self._answer(scope, receive)
            await respond(send, status, body)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        settings = {"timezone": "UTC"}
        self._pool = await asyncpg.create_pool(self._url, min_size=10, max_size=10, init=_prepare, reset=_nothing, server_settings=settings)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Any, receive: Any) -> tuple[int, bytes]:
        method, path = scope["method"], scope["path"]
        body = b"" if method == "GET" else await read(receive)
        async with self._pool.acquire() as connection:
            if path == "/graphql":
                return 200, await self._graphql(connection, orjson.loads(body))
            id_ = path[len(_PREFIX) : -1]
            if method == "PATCH":
                return found(await self._patch(connection, id_, orjson.loads(body)))
            if method == "POST":
                return found(await self._create(connection, orjson.loads(body)), 201)
            if id_:
                return found(await self._detail(connection, id_))
            return 200, await self._list(connection, address(scope), dict(parse_qsl(scope["query_string"].decode())))

    async def _list(self, connection: Any, place: str, parameters: Mapping[str, str]) -> bytes:
        where, values = queries.conditions(parameters)
        limit, number = int(parameters["limit"]), int(parameters.get("page", "1"))
        rows = await connection.fetch(
            _dollars(queries.LIST.format(where.replace("+o.", "o."))), self._workspace, *values, limit, (number - 1) * limit
        )
        count = await connection.fetchval(_dollars(queries.counted(where)), self._workspace, *values)
        return queries.page(rows, count, place, parameters)

    async def _detail(self, connection: Any, id_: str) -> bytes | None:
        row = await connection.fetchrow(_DETAIL, self._workspace, id_)
        if row is None:
            return None
        links = await connection.fetch(_LINKS, self._workspace, id_)
        return orjson.dumps(queries.full(row, [link[0] for link in links]))

    async def _patch(self, connection: Any, id_: str, change: Mapping[str, Any]) -> bytes | None:
        async with connection.transaction():
            values = (queries.POSITIONS[change["stage"]], change["probability"], queries.now(), self._workspace, id_)
            await connection.execute(_PATCH, *values)
            return await self._detail(connection, id_)

    async def _create(self, connection: Any, new: Mapping[str, Any]) -> bytes | None:
        id_ = f"opp_{ULID()}"
        async with connection.transaction():
            await connection.execute(_INSERT, *queries.created(self._workspace, id_, new, queries.now()))
            links = [(self._workspace, id_, position, contact) for position, contact in enumerate(new["contactIds"])]
            await connection.executemany(_LINK, links)
            return await self._detail(connection, id_)

    async def _graphql(self, connection: Any, body: Mapping[str, Any]) -> bytes:
        if body["operationName"] == "Deal":
            return await self._deal(connection, body["variables"]["id"])
        position = queries.NAMES.index("NEGOTIATION")
        rows = await connection.fetch(_DEALS, self._workspace, position, 101)
        count = await connection.fetchval(_COUNT_STAGE, self._workspace, position)
        contacts = await self._contacts(connection, [row[0] for row in rows[:100]])
        return queries.connection_of(rows, contacts, count, 100)

    async def _deal(self, connection: Any, id_: str) -> bytes:
        row = await connection.fetchrow(_DEAL, self._workspace, id_)
        contacts = await self._contacts(connection, [id_])
        return orjson.dumps({"data": {"opportunity": row and queries.node(row, contacts.get(id_, []))}})

    async def _contacts(self, connection: Any, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for opportunity_id, id_, email in await connection.fetch(_CONTACTS, self._workspace, ids):
            found.setdefault(opportunity_id, []).append({"id": id_, "email": email})
        return found


async def _nothing(_: Any) -> None:
    """The pool's reset of a returned connection costs a round trip, and nothing here leaves a trace on it."""


def create_app() -> App:
    return App(os.environ["BENCH_DATABASE"], os.environ["BENCH_WORKSPACE"])
