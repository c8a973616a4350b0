"""Names of SQLAlchemy's types, whatever their columns. They stand apart from `values`, which also programs need that ask no database."""

from typing import TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Select
from sqlalchemy.types import TypeEngine

from schema.values import Value

Clause: TypeAlias = ColumnElement[Value]
"""A column or an expression of SQL."""
Bind: TypeAlias = BindParameter[Value]
"""A place in a statement for a value."""
SelectOf: TypeAlias = Select[Value]
"""A SELECT, of whatever columns."""
SqlType: TypeAlias = TypeEngine[Value]
"""The type of a column."""
