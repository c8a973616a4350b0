"""The documented REST routes, each one GraphQL operation run in process: no SQL, no table and no model is in this room."""
