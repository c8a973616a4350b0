"""What is told to those who run it: the log, metrics, health, and counts of use."""
