"""Log, metrics, health and counts of use, for those who run the gateway."""
