"""Clients of the routes: over the graph in memory, and over the real one."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import httpx
import pytest

from tests.rest_compat.fake import FakeGraph, application
from tests.rest_compat.real import Gateway, gateway

Connect: TypeAlias = Callable[..., httpx.AsyncClient]


@pytest.fixture
def graph() -> FakeGraph:
    return FakeGraph()


@pytest.fixture
def connect(graph: FakeGraph) -> Connect:
    """A client of its own, for another caller or other resources."""

    def make(**options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=application(graph, **options)), base_url="http://gateway")

    return make


@pytest.fixture
async def client(connect: Connect) -> AsyncIterator[httpx.AsyncClient]:
    async with connect() as opened:
        yield opened


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Gateway]:
    """The whole application over a fresh database: the test runs once on each kind."""
    async with gateway(database_url, public_url="https://crm.example.com") as opened:
        yield opened
