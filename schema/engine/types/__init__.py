"""The graph: Strawberry types, each naming the table and, field by field, the source it is read from."""
