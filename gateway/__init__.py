"""The process: settings, the ASGI application, `/graphql` over HTTP, WebSocket and SSE, who may, limits, explorer, health, metrics."""
