"""Data access of the process and the command line, beside the graph and over all workspaces: keys, usage counts, reports, bulk rows."""
