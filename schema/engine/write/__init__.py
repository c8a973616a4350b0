"""Writes: one mutation is one transaction, from the rules to the history, the event and the answer read again."""
