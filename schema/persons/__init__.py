"""A person's data: found wherever it is stored, exported, and erased."""
