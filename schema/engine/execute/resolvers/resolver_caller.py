"""Calls a resolver for many records: as Strawberry would, or directly where nothing but permissions stands around it."""

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLField, GraphQLResolveInfo
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from schema.engine.libraries.strawberry_graphql import convert, permitted
from schema.values import Made, Object, Value

RESOLVE = "resolve"
"""The key of a GraphQL field's extensions under which Strawberry's own resolver is kept: with its permissions and extensions."""

CallResolver = Callable[[Value], Value]
"""Calls the resolver for one record."""

Together = Callable[[Sequence[Awaitable[Value]]], Awaitable[list[Value]]]
"""Waits for what resolvers answered; exceptions stand in place of values."""


@dataclass(slots=True)
class ResolverCaller:
    """A field's resolver; `batch`: it takes all records in a list, and answers as many values."""

    field: StrawberryField
    definition: GraphQLField
    batch: bool = False

    async def many(self, sources: Sequence[Value], info: GraphQLResolveInfo[Any], arguments: Object, together: "Together") -> list[Value]:
        """Return the resolver's result for each of `sources`, in order, or the exception that it raised. `together` awaits coroutines."""
        try:
            call = self._call(info, arguments)
        except Exception as error:  # noqa: BLE001  the class of an input may refuse its values
            return [error] * len(sources)
        if self.batch:
            return await self._at_once(call, sources)
        found = [_tried(call, source) for source in sources]
        if any(hasattr(class_, "__await__") for class_ in set(map(type, found))):
            places = [place for place, value in enumerate(found) if hasattr(value, "__await__")]
            answers = await together([found[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer
        return found

    async def _at_once(self, call: CallResolver, sources: Sequence[Value]) -> list[Value]:
        try:
            found = call(list(sources))
            if inspect.isawaitable(found):
                found = await found
            values = list(found)
        except Exception as error:  # noqa: BLE001  whatever a resolver raises stands in place of its values
            return [error] * len(sources)
        if len(values) != len(sources):
            return [ValueError(f"{self.field.name} answered {len(values)} values for {len(sources)} records")] * len(sources)
        return values

    def _call(self, info: GraphQLResolveInfo[Any], arguments: Object) -> CallResolver:
        resolver = self.field.base_resolver
        permitted_call = None if resolver is None else permitted(self.field, partial(_resolved, resolver))
        if resolver is None or permitted_call is None:
            around = self.definition.extensions[RESOLVE]
            return lambda source: around(source, info, **arguments)
        given, info_class = convert(info.schema, self.field, arguments)
        parent = resolver.parent_parameter or resolver.root_parameter
        if self.field.extensions:
            shown = info_class(_raw_info=info, _field=self.field)
            return lambda source: permitted_call(source, shown, **given, **({parent.name: source} if parent else {}))
        if resolver.info_parameter:
            given[resolver.info_parameter.name] = info_class(_raw_info=info, _field=self.field)
        function: Any = resolver.wrapped_func
        if resolver.self_parameter is not None:
            return lambda source: function(source, **given)
        if parent is None:
            return lambda _: function(**given)
        name = parent.name
        return lambda source: function(**{name: source}, **given)


def _resolved(resolver: StrawberryResolver[Any], source: Value, info: Made, **arguments: Value) -> Value:
    """Return what the resolver's function answers for a record, behind its field's permissions."""
    function: Any = resolver.wrapped_func
    if resolver.info_parameter:
        arguments[resolver.info_parameter.name] = info
    return function(source, **arguments) if resolver.self_parameter is not None else function(**arguments)


async def gather(awaitables: Sequence[Awaitable[Value]]) -> list[Value]:
    """Waits for all of them at the same time."""
    return await asyncio.gather(*map(_started, awaitables), return_exceptions=True)


def _started(answer: Awaitable[Value]) -> Awaitable[Value]:
    """A coroutine as a task, which runs at once as far as it needn't wait, where Python can do that (from 3.12 on)."""
    if sys.version_info >= (3, 12) and inspect.iscoroutine(answer):
        return asyncio.Task(answer, loop=asyncio.get_running_loop(), eager_start=True)
    return answer


def _tried(call: CallResolver, source: Value) -> Value:
    try:
        return call(source)
    except Exception as error:  # noqa: BLE001  whatever a resolver raises stands in place of its value
        return error
