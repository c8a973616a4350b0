"""The data and the graph: tables, types over them, the rules of the pipeline, and the planner that turns GraphQL into SQL."""
