"""Makes the graph from the settings."""

from dataclasses import fields

from strawberry.exceptions import ScalarAlreadyRegisteredError

from gateway.settings import Settings, SettingsError
from schema.engine.document.limits import Limits
from schema.extensions import ExtensionError, load
from schema.graph import Graph
from schema.storage.database import Database


def graph_of(settings: Settings, database: Database) -> Graph:
    """The graph over `database`, with what the extensions add. Raises SettingsError."""
    try:
        return Graph(database, limits=limits_of(settings), plans=settings.plans, extensions=load(settings.extensions))
    except (ExtensionError, TypeError) as error:
        raise SettingsError(f"GATEWAY_EXTENSIONS: {error}") from error
    except Exception as error:
        if not settings.extensions:
            raise
        # Strawberry and graphql-core have errors of their own for names and types that don't fit together.
        modules = " and ".join(settings.extensions)
        hint = ": take that of schema.declaring" if isinstance(error, ScalarAlreadyRegisteredError) else ""
        raise SettingsError(f"GATEWAY_EXTENSIONS: {str(error).rstrip('.')}{hint}. Look for that name in {modules}.") from error


def limits_of(settings: Settings) -> Limits:
    """The limits of documents and operations, which are settings of the same names."""
    shared = {each.name for each in fields(Limits)} & Settings.model_fields.keys()
    return Limits(counts=settings.count_cache, **{name: getattr(settings, name) for name in shared})
