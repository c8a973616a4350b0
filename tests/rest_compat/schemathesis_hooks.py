"""Cases that JSON Schema cannot rule out: integers that no double holds, and both ways of paging at once."""

from typing import Any

import schemathesis

LARGEST = 2**53 - 1
LARGEST_OFFSET = 2**31 - 1


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Either `page` or `offset`, and no page too far; said late, since the coverage phase asks no generator."""
    del context, kwargs
    query = case.query or {}
    page, limit = query.get("page", 1), query.get("limit", 20)
    far = isinstance(page, int) and isinstance(limit, int) and page * min(100, limit) > LARGEST_OFFSET
    if "offset" in query or far:
        query.pop("page", None)


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Integers beyond ±(2^53 - 1) are 400 wherever they stand, also under unknown keys; a float without a fraction is written as one."""
    del context
    return not _too_large(body)


def _too_large(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_too_large, value.values()))
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int | float) and abs(value) > LARGEST
