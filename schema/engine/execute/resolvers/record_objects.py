"""The record given to a resolver: an object of the type's class with the columns that the field needs, and no others."""

from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.exc import UnmappedInstanceError

from schema.values import Object, Value


def partial_record(class_: type | None, columns: Object) -> Value:
    """A record with these columns; None at the root. It isn't made by its class's `__init__`, which would want all of them."""
    if class_ is None:
        return None
    record: Value = object.__new__(class_)
    object.__setattr__(record, "__dict__", columns)
    return record


def name_missing_column(error: Exception, coordinate: str, record: Value) -> Exception:
    """An error that says what to mend where a resolver has read a column of such a record that it doesn't need."""
    name = _missed(error, record)
    if name is None:
        return error
    reworded_error = AttributeError(f"{coordinate} reads `{name}`, which isn't in its needs=(...).")
    reworded_error.__cause__ = error
    return reworded_error


def _missed(error: Exception, record: Value) -> str | None:
    """Return the name of the missing attribute that was read of the record; for a class of rows, its descriptor has the name."""
    if record is None:
        return None
    if isinstance(error, AttributeError):
        return error.name if type(error.obj) is type(record) else None
    trace = error.__traceback__ if isinstance(error, UnmappedInstanceError) else None
    while trace is not None:
        attribute = trace.tb_frame.f_locals.get("self")
        if isinstance(attribute, QueryableAttribute):
            return str(attribute.key)
        trace = trace.tb_next
    return None
