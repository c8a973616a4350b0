"""The clients that front ends use, each a script beside this file whose steps say what must hold."""

import pytest

from tests.clients.tools import PROGRAMS, needs_node, run, script, workplace
from tests.live_server import Demo

pytestmark = [needs_node, pytest.mark.usefixtures("packages")]


@pytest.mark.parametrize("client", ["apollo", "urql", "graphql-ws", "graphql-sse"])
def test_client(demo: Demo, client: str) -> None:
    """Queries, mutations, errors and subscriptions are as the client expects them."""
    script(f"{client}.mjs", demo)


def test_rest_as_clients_send_it(demo: Demo) -> None:
    """Axios' three kinds of arrays, near misses, `next` to the end and back, QUERY, overridden methods, nulls, tags with suffixes."""
    script("legacy.mjs", demo)


def test_relay(demo: Demo, sdl: str) -> None:
    """Relay's compiler takes the schema with @connection and @refetchable; its store is right after queries, pages, mutations, events."""
    folder = workplace("relay")
    (folder / "src").mkdir()
    (folder / "Deals.js").rename(folder / "src" / "Deals.js")
    (folder / "schema.graphql").write_text(sdl, "utf-8")
    run([PROGRAMS / "relay-compiler", "relay.config.json"], folder)
    script("relay.mjs", demo)


def test_graphql_codegen(demo: Demo) -> None:
    """The types that graphql-codegen makes of our introspection hold in TypeScript's strict mode, and when the program runs."""
    folder = workplace("codegen", "tsconfig.json")
    run([PROGRAMS / "graphql-codegen", "--config", "codegen.mjs"], folder, GATEWAY_URL=demo.url, GATEWAY_TOKEN=demo.token)
    run([PROGRAMS / "tsc", "-p", "."], folder)
    run(["node", "client.js", demo.url, demo.token], folder)


def test_answers_are_valid(demo: Demo) -> None:
    """Ajv, in strict mode with formats, finds live bodies and answers as both OpenAPI documents describe them."""
    script("validated.mjs", demo)
