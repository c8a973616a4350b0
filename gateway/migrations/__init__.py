"""How a database gets its tables: Alembic revisions, and the runner that takes a database to the newest."""

from .runner import head, head_is_current, knows, upgrade

__all__ = ["head", "head_is_current", "knows", "upgrade"]
