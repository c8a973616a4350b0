"""What tells a call from another one under the same idempotency key.

It is made of what the call means, not of how it is written: the mutation's name, its arguments as coerced, what is asked of the answer
as graphql-core prints it, and the variables that this mentions. So blanks, comments, the order of keys, `1` and `1.0`, a literal and a
variable make no difference; another value, another field of the answer do.
"""

import hashlib

import orjson

from schema.engine.compile.operation import WriteStep
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.site import KEY
from schema.values import Value, Values

_INPUTS = ("input", "inputs")


def fingerprint(step: WriteStep, arguments: Values, variables: Variables, *, creates: bool) -> str:
    """The SHA-256, in hex, of a call without its key. Null counts as absent in arguments, and with `creates` in what is created.

    Within the input of an update null clears a field, so there it differs from absent.
    """
    given = {name: value for name, value in arguments.items() if value is not None and name != KEY}
    if creates:
        given |= {name: _without_nulls(given[name]) for name in _INPUTS if name in given}
    text, names = step.asked
    mentioned = {name: variables.coerced.get(name) for name in names}
    parts = orjson.dumps([step.name, text, given, mentioned], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(parts).hexdigest()


def _without_nulls(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value
