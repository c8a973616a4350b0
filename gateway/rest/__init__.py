"""REST in this process: the adapter from `rest_compat` to the graph, and what is deprecated by settings."""
