"""Names of types whose values come from outside: from drivers, from JSON, from declarations that libraries read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""A value as a driver, JSON or a resolver gives it: nothing says more about its type than the field or column that it belongs to."""
Values: TypeAlias = Mapping[str, Value]
"""Values by name: binds, arguments, the columns of a record."""
Object: TypeAlias = dict[str, Value]
"""The same as it is made: an object of the response, a record that is written."""
CacheKey: TypeAlias = tuple[Value, ...]
"""A key of a cache."""
Function: TypeAlias = Callable[..., Value]
"""A function that was generated, or that a package wrote."""
Made: TypeAlias = Any
"""A type, an annotation or a field that is made while the program starts: Strawberry reads it, and no checker can know it."""
