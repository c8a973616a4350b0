"""Events after commit: every process follows the event table; notifications and polls only wake it."""
