"""SQLite: its driver, its one writer, and its write-ahead log."""
