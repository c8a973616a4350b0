"""A REST call into a GraphQL operation, and its answer back: parameters, bodies, documents, pages, shapes."""
