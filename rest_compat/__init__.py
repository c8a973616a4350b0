"""The documented REST routes, each one GraphQL operation run in process: no SQL, no table and no model is in this room."""

from rest_compat.openapi.document import openapi
from rest_compat.openapi.version_3_0 import openapi_3_0
from rest_compat.translate.call import Translator

from .serve import RESOURCES, Rest

__all__ = ["RESOURCES", "Rest", "Translator", "openapi", "openapi_3_0"]
