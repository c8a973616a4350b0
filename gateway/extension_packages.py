"""The migration packages of the extensions that the settings name."""

from gateway.migrations import MissingMigrations, Package, packages_of
from gateway.settings import Settings, SettingsError


def packages_in(settings: Settings) -> tuple[Package, ...]:
    """The packages with tables among the extensions. Raises SettingsError."""
    try:
        return packages_of(settings.extensions)
    except MissingMigrations as error:
        raise SettingsError(f"GATEWAY_EXTENSIONS: {error}") from error
