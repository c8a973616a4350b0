"""How a database gets its tables: Alembic revisions, and the runner that takes a database to the newest."""

from .packages import MissingMigrations, Package, packages_of
from .runner import head, head_is_current, heads, knows, standing, standing_of, upgrade

__all__ = ["MissingMigrations", "Package", "head", "head_is_current", "heads", "knows", "packages_of", "standing", "standing_of", "upgrade"]
