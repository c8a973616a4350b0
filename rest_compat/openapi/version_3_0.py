"""OpenAPI 3.0.3 out of 3.1: the same routes for generators that don't read 3.1."""

from collections.abc import Mapping

from rest_compat.json_values import Json, JsonObject


def openapi_3_0(document: Mapping[str, Json]) -> JsonObject:
    """The document, with `nullable` in place of the type `null`: of what is new in 3.1, ours use nothing else."""
    converted: JsonObject = _older(document)
    return converted | {"openapi": "3.0.3"}


def _older(value: Json) -> Json:
    if isinstance(value, list):
        return [_older(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _older(inside) for name, inside in value.items()}
    types = found.get("type")
    # A property may be called `type`, too: then this is a schema and no list.
    if isinstance(types, list) and "null" in types:
        (found["type"],) = (name for name in types if name != "null")
        found["nullable"] = True
    return found
