"""From a GraphQL operation to SQL and back: a selection set becomes statements, their rows become the response.

Read it in this order: `sources` (what a field is read from), `model` (every field of the schema with its source), `select` (one SELECT a
list level), `connections`, `conditions` and `order` (pages of it), `operation` (the whole).
"""
