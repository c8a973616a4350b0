"""Parts of graphql-core beyond `from graphql import …`: field collection, value coercion, its executor and what that leaves."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from graphql import GraphQLError
from graphql.execution import Executor as GraphQLCoreExecutor
from graphql.execution import execute_sync
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.pyutils import Path, is_awaitable
from graphql.type.definition import GraphQLResolveInfoHelpers
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.values import Value

__all__ = [
    "HELPERS",
    "Executor",
    "FieldDetails",
    "FragmentDetails",
    "Path",
    "VariableValues",
    "coerce_default_value",
    "collect_fields",
    "collect_subfields",
    "drop_tracebacks",
    "execute_sync",
    "get_argument_values",
    "get_variable_values",
    "is_awaitable",
]


async def _gathered(awaitables: Sequence[Awaitable[Value]]) -> list[Value]:
    return await asyncio.gather(*awaitables)


HELPERS = GraphQLResolveInfoHelpers(gather=_gathered, track=lambda _: None)
"""The helpers of a resolver's `info` for awaitables."""


class Executor(GraphQLCoreExecutor[Any]):
    """graphql-core's executor, gone with its result: its own helpers are methods that hold it until the garbage collector comes."""

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        self.async_helpers = HELPERS


def drop_tracebacks(errors: Iterable[GraphQLError]) -> None:
    """Take away what errors hold of the execution that has collected them: it would hold itself until the garbage collector comes."""
    for error in errors:
        found: BaseException | None = error
        seen: set[int] = set()
        # An error may lead back to itself: `raise error.original_error` while that error is handled makes it the context of its own cause.
        while found is not None and id(found) not in seen:
            seen.add(id(found))
            found.__traceback__ = None
            found = (found.original_error if isinstance(found, GraphQLError) else None) or found.__context__
