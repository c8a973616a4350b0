"""The limit of a filter's size, as JSON or coerced: counted before anything is made of the filter."""

from schema.rules.errors import BadRequest
from schema.values import Value

MAX_NODES = 100
"""Objects and lists of a filter."""

MAX_LIST = 250
"""Items of a list in it."""


def check_size(given: Value) -> None:
    """Counts a filter's objects and lists. Raises BadRequest for too many."""
    waiting, count = [given], 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, list) and len(node) > MAX_LIST:
            raise BadRequest(f"A list in a filter has {len(node)} items; it may have {MAX_LIST}.")
        if isinstance(node, dict | list):
            count += 1
            waiting.extend(node.values() if isinstance(node, dict) else node)
        if count > MAX_NODES:
            raise BadRequest(f"The filter has more than {MAX_NODES} objects and lists: ask for less at once.")
