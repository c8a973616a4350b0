"""The workspaces."""
