"""What the process and the command line read and write beside the graph, over all workspaces: keys, uses, reports, rows in bulk."""
