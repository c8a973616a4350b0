"""The REST resources: one folder each, with its declaration and its operations."""
