"""Names of SQLAlchemy's types with any columns. They are apart from `values`, which is also used without a database."""

from typing import TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Select
from sqlalchemy.types import TypeEngine

from schema.values import Value

Clause: TypeAlias = ColumnElement[Value]
"""A column or an expression of SQL."""
Bind: TypeAlias = BindParameter[Value]
"""A place in a statement for a value."""
SelectOf: TypeAlias = Select[Value]
"""A SELECT of any columns."""
SqlType: TypeAlias = TypeEngine[Value]
"""The type of a column."""
