"""The process: settings, ASGI application, `/graphql` over HTTP, WebSocket and SSE, authentication, limits, explorer, health, metrics."""

import sys
from importlib.metadata import version
from typing import Final

DISTRIBUTION: Final = "opportunities-gateway"
VERSION: Final = version(DISTRIBUTION)

if sys.flags.optimize > 1:
    sys.exit("gateway: PYTHONOPTIMIZE=2, or -OO, takes away the texts that describe the graph: set 1, or none.")
