"""`/graphql` over HTTP: the endpoint, documents by id, the schema as text."""
