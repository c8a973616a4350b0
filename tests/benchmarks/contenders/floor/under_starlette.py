"""The floor's queries under Starlette: routes, Request and Response as its documentation shows them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .queries import Floor


def answer(body: bytes | None, status: int = 200) -> Response:
    return Response(body or b'{"detail":"Not found."}', status if body else 404, media_type="application/json")


async def listing(request: Request) -> Response:
    address = str(request.url.replace(query=""))
    return answer(request.state.floor.list(address, dict(request.query_params)))


async def create(request: Request) -> Response:
    return answer(request.state.floor.create(await request.body()), 201)


async def detail(request: Request) -> Response:
    return answer(request.state.floor.detail(request.path_params["id"]))


async def patch(request: Request) -> Response:
    return answer(request.state.floor.patch(request.path_params["id"], await request.body()))


async def graphql(request: Request) -> Response:
    body = await request.json()
    if body["operationName"] == "Deal":
        return answer(request.state.floor.deal(body["variables"]["id"]))
    return answer(request.state.floor.deals("NEGOTIATION", 100))


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    yield {"floor": Floor(os.environ["BENCH_DATABASE"], os.environ["BENCH_WORKSPACE"])}


app = Starlette(
    routes=[
        Route("/api/opportunities/", listing, methods=["GET"]),
        Route("/api/opportunities/", create, methods=["POST"]),
        Route("/api/opportunities/{id}/", detail, methods=["GET"]),
        Route("/api/opportunities/{id}/", patch, methods=["PATCH"]),
        Route("/graphql", graphql, methods=["POST"]),
    ],
    lifespan=lifespan,
)
