"""Rules that hold for REST and GraphQL alike: stages, permissions, limits of inputs. No SQL, no GraphQL."""
