"""Response errors (specification section 7.1.6), each with `extensions.code`."""

import logging
from collections.abc import Sequence

from graphql import GraphQLError

from schema.engine.compile.operation import WriteStep
from schema.engine.document.documents import RequestError, request_error
from schema.engine.document.input_faults import without_python
from schema.engine.document.limits import Limits
from schema.engine.document.selections import Selected
from schema.engine.libraries.graphql_core import drop_tracebacks
from schema.rules.errors import BadRequest, GatewayError, ServiceUnavailable
from schema.storage.database import DatabaseUnavailable, InputRejected, StorageError
from schema.values import Object

from .throttled_log import ThrottledLog

MOST_TOLD = 1_000
"""Errors of fields that an answer tells. A null that an error has left needs it: a client takes another for a value that isn't there."""

_log = logging.getLogger(__name__)
_unavailable = ThrottledLog(_log.warning)


def too_costly(cost: int, limits: Limits) -> RequestError:
    """The error for an operation that costs more than it may."""
    return request_error(f"The operation costs {cost}; it may cost {limits.max_cost}. Ask for smaller pages or fewer levels.")


def of_storage(error: StorageError) -> GatewayError:
    """Return the caller's error for a storage error. Values that the database refuses should have been refused earlier: they are logged."""
    if isinstance(error, InputRejected):
        _log.warning("the database can't take a request: %s", error.__cause__)
        return BadRequest(str(error))
    _unavailable("database unavailable: %(error)s", error=error)
    return ServiceUnavailable(getattr(error, "public", DatabaseUnavailable.public))


def refusal(error: StorageError | GatewayError) -> RequestError:
    """Return the error of a request that was refused as a whole."""
    found = of_storage(error) if isinstance(error, StorageError) else error
    return request_error(str(found), code=found.code)


def located(error: Exception, step: WriteStep) -> Object:
    """An error of a mutation's root field, as graphql-core words it."""
    return response_error(error, step.selected, [step.key])


def response_error(error: Exception, selected: Selected, path: list[str | int], *, log: bool = True) -> Object:
    """An error of the field at `path`, as graphql-core words it. A defect goes to the `log`."""
    if isinstance(error, StorageError):
        error = of_storage(error)
    nodes = [details.node for details in selected.details]
    message = error.message if isinstance(error, GraphQLError) else str(error)
    return error_of(GraphQLError(message, nodes, path=path, original_error=error), log=log)


def errors_of(errors: Sequence[GraphQLError], logged: int) -> list[Object]:
    """The response errors of what graphql-core has executed; so many defects are logged. The errors are of no use afterwards."""
    found = [error_of(error, log=place < logged) for place, error in enumerate(errors[:MOST_TOLD])]
    drop_tracebacks(errors)
    return told(found, len(errors))


def told(errors: list[Object], count: int) -> list[Object]:
    """The errors that are told of `count`: at most MOST_TOLD, and one that says how many there are more."""
    if count <= MOST_TOLD:
        return errors
    more = f"The answer has {count:,} errors, of which {MOST_TOLD:,} are told: more of its nulls stand for errors. Ask for less at once."
    return [*errors[:MOST_TOLD], {"message": more, "extensions": errors[0]["extensions"]}]


def error_of(error: GraphQLError, *, log: bool = True) -> Object:
    """A response error with its code; the text of a defect stays in the log."""
    formatted: Object = {**error.formatted, "message": without_python(error.message)}
    original = error.original_error
    if isinstance(original, GatewayError):
        code = original.code
    elif original is None or isinstance(original, GraphQLError):
        # A resolver or an extension may say a code of its own.
        code = formatted.get("extensions", {}).get("code", "BAD_REQUEST")
    else:
        if log:
            _log.error("a field could not be completed", exc_info=original)
        code, formatted["message"] = (
            "INTERNAL_ERROR",
            "Something went wrong in the gateway. Its log has the details under the id of this request.",
        )
    formatted["extensions"] = {**formatted.get("extensions", {}), "code": code}
    reason = getattr(original, "reason", None)
    if reason is not None:
        formatted["extensions"]["reason"] = reason
    return formatted
