"""What tests read again and again, and what is always the same: read once a run by each process, whatever the number of applications."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import pytest

from gateway.rest import adapter
from rest_compat.translate import endpoint
from schema.engine.document import documents

VALIDATE = documents.validate
Validate: TypeAlias = Callable[..., list[Any]]
#: Texts that are known to be valid, at most.
VALID = 5_000


def read_once(patch: pytest.MonkeyPatch) -> None:
    """Each application reads REST's schema and documents as it starts, and each graph validates: it was half of a small test's time."""
    patch.setattr(adapter, "build_schema", lru_cache(adapter.build_schema))
    patch.setattr(endpoint, "read_document", lru_cache(endpoint.read_document))
    patch.setattr(documents, "validate", remembering(documents.validate))


def remembering(validate: Validate) -> Validate:
    """The same; a text that was found valid isn't looked at again, by the same schema and the same rules."""
    valid: set[Any] = set()

    def validated(schema: Any, document: Any, rules: Any, *, max_errors: int) -> list[Any]:
        asked = (schema, document.loc.source.body, rules, max_errors)
        if asked in valid:
            return []
        errors = validate(schema, document, rules, max_errors=max_errors)
        if not errors and len(valid) < VALID:
            valid.add(asked)
        return errors

    return validated
