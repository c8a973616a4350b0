"""What is stored on a person: found wherever it stands, told, and erased."""
