"""What a resolver gets as its record: an object of the type's class that has the columns which the field needs, and no others."""

from typing import Any


def light(class_: type | None, columns: dict[str, Any]) -> Any:
    """A record with these columns; None at the root. It isn't made by its class's `__init__`, which would want all of them."""
    if class_ is None:
        return None
    record: Any = object.__new__(class_)
    object.__setattr__(record, "__dict__", columns)
    return record


def reworded(error: Exception, coordinate: str, record: Any) -> Exception:
    """An error that says what to mend where a resolver has read a column of such a record that it doesn't need."""
    if isinstance(error, AttributeError) and record is not None and type(error.obj) is type(record):
        told = AttributeError(f"{coordinate} reads `{error.name}`, which isn't in its needs=(...).")
        told.__cause__ = error
        return told
    return error
