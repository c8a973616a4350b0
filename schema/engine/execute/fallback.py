"""graphql-core's executor for what plans leave to it: in a thread beside the event loop, and no longer than someone waits for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, sleep

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLObjectType, GraphQLSchema

from schema.engine.cache import SizedCache
from schema.engine.document.selections import SchemaPart
from schema.engine.libraries.graphql_core import Executor, execute_sync
from schema.values import Object, Value, Values

from .fairness import HeavyWork

THREADS = 1
WORK_SECONDS, REST_SECONDS = 0.002, 0.006
"""Seconds that the thread works, then rests: while it works, the event loop waits for it after each call that leaves Python."""
SMALL = 20
"""Up to this cost an operation is executed at once: it takes a few milliseconds, and a thread takes time, too."""
MAX_SCHEMA_VALUES = 15_000
"""The most values of the schema in one response; graphql-core's own introspection query asks for some 6,000."""
ANSWERS, ANSWERS_BYTES = 1_000, 4_000_000
"""The most responses cached, and the most bytes of them and their keys."""


class TooMuchSchema(Exception):
    """An operation asks for more of the schema than one response may have."""

    def __init__(self) -> None:
        super().__init__(f"The operation asks for more than {MAX_SCHEMA_VALUES:,} values of the schema: ask for fewer levels of it.")


class _Stopped(BaseException):
    """Nobody waits for the answer any more. No exception of a field: graphql-core would go on with the next one."""


@dataclass(slots=True)
class Execution:
    """An operation to execute, over the tree that a plan has read."""

    document: DocumentNode
    tree: Values
    variables: Object
    name: str | None = None


class _Watch:
    """Watches the execution of fields: counts the schema's values in the response, lets the event loop work, and ends the execution."""

    def __init__(self) -> None:
        self.stopped = False
        self.values = 0
        self.began = perf_counter()

    def look(self, parent: GraphQLObjectType) -> None:
        """Raises _Stopped."""
        if parent.name.startswith("__"):
            self.values += 1
        if self.stopped or self.values > MAX_SCHEMA_VALUES:
            raise _Stopped
        if perf_counter() - self.began > WORK_SECONDS:
            sleep(REST_SECONDS)
            self.began = perf_counter()


class Fallback:
    """Executes operations on a schema; long ones in turn with other heavy `work`."""

    def __init__(self, schema: GraphQLSchema, work: HeavyWork) -> None:
        self._schema = schema
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="graphql-core")
        # Work that waits for its turn can be cancelled; in the executor's own queue, cancelled work would pile up.
        self._work = work

    def execute(self, call: Execution) -> ExecutionResult:
        """The result, at once."""
        return execute_sync(self._schema, call.document, call.tree, None, call.variables, call.name, executor_class=Executor)

    async def execute_beside(self, call: Execution, owner: str) -> ExecutionResult:
        """The result for `owner`, while the event loop goes on. Raises TooMuchSchema, ServiceUnavailable."""
        watch = _Watch()
        async with self._work.turn(owner):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._watched, call, watch)
            except _Stopped:
                raise TooMuchSchema from None
            finally:
                watch.stopped = True

    def _watched(self, call: Execution, watch: _Watch) -> ExecutionResult:
        class Watched(Executor):
            def execute_field(self, parent_type: GraphQLObjectType, *arguments: Value) -> Value:
                watch.look(parent_type)
                return super().execute_field(parent_type, *arguments)

        return execute_sync(self._schema, call.document, call.tree, None, call.variables, call.name, executor_class=Watched)


class Introspection:
    """Introspection queries: executed once, then cached as long as there is room."""

    def __init__(self, fallback: Fallback) -> None:
        self._fallback = fallback
        self._kept: SizedCache[bytes] = SizedCache(ANSWERS, ANSWERS_BYTES)

    async def answer(self, part: SchemaPart, given: Object, owner: str) -> bytes | None:
        """The part's data in JSON; None where graphql-core has errors to tell. Raises TooMuchSchema, ServiceUnavailable."""
        variables = {name: given[name] for name in sorted(part.variables) if name in given}
        key = part.text, repr(variables)
        found = self._kept.get(key)
        if found is None:
            result = await self._fallback.execute_beside(Execution(part.document, {}, variables), owner)
            if result.errors:
                return None
            found = orjson.dumps(result.data)
            self._kept.put(key, found, sum(map(len, (found, *key))))
        return found
