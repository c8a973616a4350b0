"""Running plans: reads, fair turns, resolvers, graphql-core for what plans leave to it, and errors as they are answered."""
