"""Names of types whose values come from outside: from drivers, from JSON, from declarations that SQLAlchemy reads."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Select
from sqlalchemy.types import TypeEngine

Value: TypeAlias = Any
"""A value as a driver, JSON or a resolver gives it: nothing says more about its type than the field or column that it belongs to."""
Values: TypeAlias = Mapping[str, Value]
"""Values by name: binds, arguments, the columns of a record."""
Object: TypeAlias = dict[str, Value]
"""The same as it is made: an object of the response, a record that is written."""
CacheKey: TypeAlias = tuple[Value, ...]
"""What something is kept under."""
Clause: TypeAlias = ColumnElement[Value]
"""A column or an expression of SQL."""
Bind: TypeAlias = BindParameter[Value]
"""A place in a statement for a value."""
Function: TypeAlias = Callable[..., Value]
"""A function that was generated, or that a package wrote."""
SelectOf: TypeAlias = Select[Value]
"""A SELECT, of whatever columns."""
SqlType: TypeAlias = TypeEngine[Value]
"""The type of a column."""
Made: TypeAlias = Any
"""A type, an annotation or a field that is made while the program starts: Strawberry reads it, and no checker can know it."""
