"""The process: settings, the ASGI application, `/graphql` over HTTP, WebSocket and SSE, authentication, limits, explorer, health, metrics."""
