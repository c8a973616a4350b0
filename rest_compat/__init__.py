"""The documented REST routes, each one GraphQL operation run in process: no SQL, no table and no model is in this room."""

from .errors import error_response
from .openapi import openapi
from .openapi_older import openapi_3_0
from .routes import RESOURCES, routes
from .translate import Translator

__all__ = ["RESOURCES", "Translator", "error_response", "openapi", "openapi_3_0", "routes"]
