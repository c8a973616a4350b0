"""Fields that a Python function answers, within compiled queries: the functions run once everything is read."""
