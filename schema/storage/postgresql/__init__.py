"""PostgreSQL: its driver, connecting, and the pool."""
