"""Parts of graphql-core beyond `from graphql import …`: field collection, value coercion, and its executor."""

from graphql.execution import Executor, execute_sync
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.pyutils import Path, is_awaitable
from graphql.type.definition import GraphQLResolveInfoHelpers
from graphql.utilities.coerce_input_value import coerce_default_value

__all__ = [
    "Executor",
    "FieldDetails",
    "FragmentDetails",
    "GraphQLResolveInfoHelpers",
    "Path",
    "VariableValues",
    "coerce_default_value",
    "collect_fields",
    "collect_subfields",
    "execute_sync",
    "get_argument_values",
    "get_variable_values",
    "is_awaitable",
]
