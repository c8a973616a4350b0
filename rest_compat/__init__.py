"""The documented REST routes, each one GraphQL operation run in process: no SQL, no table and no model is in this room."""

from rest_compat.openapi.document import openapi
from rest_compat.openapi.version_3_0 import openapi_3_0
from rest_compat.translate.call import Translator

from .errors import error_response
from .routes import RESOURCES, routes

__all__ = ["RESOURCES", "Translator", "error_response", "openapi", "openapi_3_0", "routes"]
