"""Long-lived operations: over WebSocket (graphql-transport-ws) and Server-Sent Events (graphql-sse, distinct connections)."""
