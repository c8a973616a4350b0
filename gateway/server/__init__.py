"""The server on a port: connections, the HTTP and WebSocket protocols, their bounds, and an orderly stop."""
