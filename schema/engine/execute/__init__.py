"""Runs plans: reads, fair turns, resolvers, the fallback to graphql-core, and response errors."""
