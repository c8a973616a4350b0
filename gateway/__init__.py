"""The process: settings, the ASGI application, `/graphql` over HTTP, WebSocket and SSE, who may, limits, explorer, health, metrics."""

from importlib.metadata import version
from typing import Final

DISTRIBUTION: Final = "opportunities-gateway"
VERSION: Final = version(DISTRIBUTION)
