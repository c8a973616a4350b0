"""Values as JSON has them, by name."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any JSON value."""

JsonObject: TypeAlias = dict[str, Any]
"""An object of JSON: variables, a part of an answer, a schema of OpenAPI."""
