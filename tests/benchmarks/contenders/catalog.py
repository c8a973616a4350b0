"""Who takes part, how each is started, and which workloads it answers."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
PEERS = ROOT / ".venv-bench"
NODE = ROOT / "tests" / "benchmarks" / "node"

_HERE = "tests.benchmarks.contenders"
_REST = ("W1", "W2", "W3", "W4", "W5")
_GRAPHQL = ("W6", "W7")
_LISTS = ("W1", "W2", "W6")
# What two REST workloads are translated into.
_TRANSLATED = ("G1", "G3")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender listens and what it reads: a file's path (SQLite) or an address (PostgreSQL)."""

    port: int
    database: str


@dataclass(frozen=True, slots=True)
class Contender:
    """`needs` says what has to be installed first: nothing, the Python or the Node peers. `prepared` is run on its copy of the data.

    `root` is the checkout that it runs from.
    """

    name: str
    title: str
    command: Callable[[Place], Sequence[str]]
    workloads: tuple[str, ...]
    kinds: tuple[str, ...] = ("sqlite",)
    needs: str = ""
    prepared: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT

    @property
    def is_gateway(self) -> bool:
        return self.name.startswith("gateway")


def _uvicorn(module: str, python: str = sys.executable, *, factory: bool = True) -> Callable[[Place], Sequence[str]]:
    target = [f"{_HERE}.{module}:create_app", "--factory"] if factory else [f"{_HERE}.{module}:app"]
    fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return lambda place: [python, "-m", "uvicorn", *target, *fast, "--port", str(place.port)]


def _gunicorn(place: Place) -> Sequence[str]:
    shape = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "75", "--log-level", "warning"]
    return [str(PEERS / "bin" / "gunicorn"), *shape, "--bind", f"127.0.0.1:{place.port}", f"{_HERE}.django_rest.wsgi:application"]


def _node(script: str) -> Callable[[Place], Sequence[str]]:
    return lambda _: ["node", str(NODE / script)]


def gateway_url(database: str) -> str:
    """The database as the gateway's settings name it."""
    return database if "://" in database else f"sqlite:///{database}"


def _gateway(place: Place, module: str = "gateway") -> Sequence[str]:
    return [sys.executable, "-m", module, "serve", "--database-url", gateway_url(place.database), "--port", str(place.port)]


def _unwatched(place: Place) -> Sequence[str]:
    return _gateway(place, f"{_HERE}.unwatched")


# Whoever leaves the choice of an index to SQLite gives it statistics.
_ANALYZED = ("ANALYZE",)
# Django's models have keys of one column.
_DJANGO = (
    *(f'CREATE UNIQUE INDEX "{table}_id" ON "{table}" (id)' for table in ("account", "user", "contact", "opportunity")),
    "CREATE UNIQUE INDEX link_id ON opportunity_contact (opportunity_id, position)",
    *_ANALYZED,
)

_PEER = str(PEERS / "bin" / "python")
_BOTH = ("sqlite", "postgresql")

CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("floor", "floor: bare ASGI, hand-written SQL, orjson", _uvicorn("floor.bare"), (*_REST, *_GRAPHQL)),
        Contender("floor-starlette", "the same under Starlette", _uvicorn("floor.under_starlette", factory=False), (*_REST, *_GRAPHQL)),
        Contender("floor-cached", "the same with an exact cached count", _uvicorn("floor.cached"), _LISTS),
        Contender("floor-asyncpg", "floor on asyncpg", _uvicorn("floor.on_postgresql"), (*_REST, *_GRAPHQL), ("postgresql",)),
        Contender("gateway", "**this gateway**", _gateway, (*_REST, *_GRAPHQL, *_TRANSLATED), _BOTH),
        Contender(
            "gateway-counting", "this gateway, count not cached", _gateway, (*_LISTS, "G1"), _BOTH, environment={"GATEWAY_COUNT_CACHE": "0"}
        ),
        Contender("gateway-unplanned", "this gateway, plans off", _gateway, _GRAPHQL, environment={"GATEWAY_PLANS": "off"}),
        Contender("gateway-unwatched", "this gateway, uses of REST not counted", _unwatched, ("W1", "W3")),
        Contender(
            "fastapi", "FastAPI + SQLModel", _uvicorn("fastapi_sqlmodel", _PEER, factory=False), _REST, needs="python", prepared=_ANALYZED
        ),
        Contender("django", "Django REST Framework + django-filter", _gunicorn, _REST, needs="python", prepared=_DJANGO),
        Contender(
            "strawberry",
            "Strawberry + SQLAlchemy + DataLoaders",
            _uvicorn("strawberry_sqlalchemy", _PEER, factory=False),
            _GRAPHQL,
            needs="python",
            prepared=_ANALYZED,
        ),
        Contender("yoga", "graphql-yoga + better-sqlite3", _node("yoga.mjs"), _GRAPHQL, needs="node", prepared=_ANALYZED),
        Contender("mercurius", "Mercurius with JIT + better-sqlite3", _node("mercurius.mjs"), _GRAPHQL, needs="node", prepared=_ANALYZED),
    )
}
