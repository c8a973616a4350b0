"""Strawberry's schema extensions around operations that are answered by plans.

`on_operation`, `on_execute` and `get_results` are called for each operation, `on_parse` and `on_validate` once for each document, since
documents are kept. `resolve` and `on_stream_result` can't be honoured, because stored fields aren't resolved one by one: they are refused.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from schema.engine.libraries.strawberry_graphql import SchemaExtensionsRunner
from schema.values import Object

from .context import Context

REFUSED = ("resolve", "on_stream_result")

DataAndErrors = tuple[Object | None, list[Object]]
"""An answer's data, and its errors as they stand in the response."""


class ExtensionRunner:
    """The extensions of a schema; a new one of each class is made for each operation. Raises TypeError for unsupported hooks."""

    def __init__(self, schema: Schema, classes: Sequence[type[SchemaExtension]]) -> None:
        for class_ in classes:
            for hook in REFUSED:
                if getattr(class_, hook) is not getattr(SchemaExtension, hook):
                    raise TypeError(f"{class_.__name__}.{hook} can't be honoured: stored fields are answered by plans, not one by one.")
        self._schema = schema
        self._classes = classes

    @contextmanager
    def preparing(self, text: str, name: str | None) -> Iterator[None]:
        """Wrap the parsing and validating of a document that isn't cached yet."""
        runner = self._runner(self._context(text, name, None, None))
        with runner.parsing(), runner.validation():
            yield

    async def run(
        self,
        operation: tuple[str, str | None, Any],
        variables: Object | None,
        context: Context,
        execute: Callable[[], Awaitable[DataAndErrors]],
    ) -> tuple[DataAndErrors, Object]:
        """Return the result of `execute` as the extensions leave it, and the entries that they add to the response's `extensions`.

        `operation` is the document's text, the operation's name, and the document.
        """
        text, name, document = operation
        execution = self._context(text, name, variables, context)
        execution.graphql_document = document
        runner = self._runner(execution)
        async with runner.operation():
            async with runner.executing():
                data, errors = await execute()
                kept = [
                    (GraphQLError(error["message"], path=error.get("path"), extensions=error.get("extensions")), error) for error in errors
                ]
                execution.result = ExecutionResult(data, [error for error, _ in kept] or None)
            added = await runner.get_extensions_results(execution)
        left: Any = execution.result
        return (left.data, [_response_error(error, kept) for error in left.errors or ()]), added

    def _context(self, text: str, name: str | None, variables: Object | None, context: Context | None) -> ExecutionContext:
        return ExecutionContext(
            query=text,
            schema=self._schema,
            allowed_operations=tuple(OperationType),
            context=context,
            variables=variables,
            provided_operation_name=name,
        )

    def _runner(self, execution: ExecutionContext) -> SchemaExtensionsRunner:
        made = [class_() for class_ in self._classes]
        for extension in made:
            extension.execution_context = execution
        return SchemaExtensionsRunner(execution, made)


def _response_error(error: GraphQLError, kept: Sequence[tuple[GraphQLError, Object]]) -> Object:
    """The response's error: with its locations where an extension has left it, and a code where it made a new one."""
    for before, formatted in kept:
        if before is error:
            return {**formatted, "message": error.message, "extensions": dict(error.extensions or {})}
    made: Object = dict(error.formatted)
    made["extensions"] = {"code": "INTERNAL_ERROR", **(error.extensions or {})}
    return made
