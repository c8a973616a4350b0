"""Log, metrics, health and usage counts, for operators."""
