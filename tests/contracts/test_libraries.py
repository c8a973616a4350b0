"""What is used of graphql-core and Strawberry beyond their public names: in one module each, and as it is expected to be."""

import gc
import re
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from schema.engine.libraries import graphql_core as core
from schema.engine.libraries import strawberry_graphql as berry
from tests.memory import uncollected

ROOT = Path(__file__).parents[2]
INSIDE = re.compile(
    r"graphql\.(execution|pyutils|type|utilities)\.?\w* import|strawberry\.extensions\.runner|strawberry-definition|_strawberry_schema"
)
SCHEMA = build_schema("type Query { one(many: [Int!] = [1, 2]): Deep } type Deep { a: Int b: Int }")


@pytest.mark.parametrize("path", sorted((ROOT / "schema").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_uses_them(path: Path) -> None:
    """A change of a library is met in one file."""
    if path.parent.name != "libraries":
        public = re.sub(r"from graphql\.utilities import .*", "", path.read_text("utf-8"))
        assert not INSIDE.findall(public)


def collected(text: str, given: dict[str, Any]) -> dict[str, list[str]]:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    fragments = {node.name.value: core.FragmentDetails(node) for node in document.definitions[1:]}  # type: ignore[union-attr]
    values = core.get_variable_values(SCHEMA, operation.variable_definitions or (), given)
    assert isinstance(values, core.VariableValues)
    query, deep = SCHEMA.type_map["Query"], SCHEMA.type_map["Deep"]
    assert isinstance(query, GraphQLObjectType)
    assert isinstance(deep, GraphQLObjectType)
    root = core.collect_fields(SCHEMA, fragments, values, query, operation).grouped_field_set
    found = {}
    for key, details in root.items():
        below = core.collect_subfields(SCHEMA, fragments, values, operation, deep, list(details)).grouped_field_set
        found[key] = [*below]
    return found


def test_fields_are_collected() -> None:
    """Merged by response key in order, fragments spread, @skip and @include decided by the values."""
    text = "query ($no: Boolean!) { x: one { b ...F } x: one { c: a @skip(if: $no) } } fragment F on Deep { a b }"
    assert collected(text, {"no": True}) == {"x": ["b", "a"]}
    assert collected(text, {"no": False}) == {"x": ["b", "a", "c"]}


def test_arguments_are_read() -> None:
    """From the coerced variables, with defaults; a wrong value is an error."""
    document = parse("query ($many: [Int!]) { one(many: $many) }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    node: Any = operation.selection_set.selections[0]
    query = SCHEMA.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)
    values = core.get_variable_values(SCHEMA, operation.variable_definitions or (), {"many": 3})
    assert isinstance(values, core.VariableValues)
    assert values.coerced == {"many": [3]}
    assert core.get_argument_values(query.fields["one"], node, values) == {"many": [3]}
    assert core.get_argument_values(query.fields["one"], node, core.VariableValues({}, {})) == {"many": [1, 2]}
    assert core.coerce_default_value(query.fields["one"].args["many"]) == [1, 2]
    assert isinstance(core.get_variable_values(SCHEMA, operation.variable_definitions or (), {"many": "x"}, max_errors=1), list)


def test_the_executor_asks_for_each_field() -> None:
    """`execute_field` can be looked on, the path is a linked list of keys, and what is awaitable is told."""
    seen = []

    class Looking(core.Executor):
        def execute_field(self, parent_type: GraphQLObjectType, *arguments: Any) -> Any:
            seen.append(parent_type.name)
            return super().execute_field(parent_type, *arguments)

    result = core.execute_sync(SCHEMA, parse("{ one { a } }"), {"one": {"a": 1}}, None, {}, None, executor_class=Looking)
    assert (result.data, seen) == ({"one": {"a": 1}}, ["Query", "Deep"])
    assert core.Path(core.Path(None, "one", "Query"), "a", "Deep").as_list() == ["one", "a"]
    assert not core.is_awaitable(1)


def test_an_execution_is_gone_with_its_result() -> None:
    """Its executor doesn't hold itself, and errors without their tracebacks hold nothing of it."""
    with uncollected():
        result = core.execute_sync(SCHEMA, parse("{ one { a } }"), {"one": {"a": "x"}}, None, {}, None, executor_class=core.Executor)
        core.drop_tracebacks(result.errors or [])
        assert result.errors
        assert not [one for one in gc.get_objects() if isinstance(one, core.Executor)]


class Nobody(BasePermission):
    """Refuses."""

    message = "no"

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return False


@strawberry.type
class Query:
    """One field with arguments and a permission."""

    @strawberry.field(permission_classes=[Nobody])
    def add(self, one: int, other_one: int = 2) -> int:
        return one + other_one


@strawberry.input(one_of=True)
class Key:
    """Strawberry alone knows that one of its fields is given."""

    number: int | None = strawberry.UNSET


class Hooked(SchemaExtension):
    """Adds to the results."""

    def get_results(self) -> dict[str, Any]:
        return {"hooked": True}


async def test_strawberry_keeps_its_declarations_there() -> None:
    """The schema, a field's declaration with its permissions, its arguments as Python takes them, and the runner of extensions."""
    schema = strawberry.Schema(Query, types=[Key])
    found = berry.core_of(schema)
    assert isinstance(found, GraphQLSchema)
    assert found.query_type is not None
    definition = found.query_type.fields["add"]
    field = berry.declared(definition)
    assert (field.python_name, field.base_resolver.wrapped_func(None, 1)) == ("add", 3)
    assert [type(each) for each in berry.permissions_of(field)] == [Nobody]
    given, info_class = berry.convert(found, field, {"one": 1, "otherOne": 5})
    assert (given, info_class) == ({"one": 1, "other_one": 5}, strawberry.Info)
    assert berry.declared(found.type_map["__Schema"]) is None
    context = ExecutionContext(query="{ add }", schema=schema, allowed_operations=tuple(OperationType))
    extension = Hooked()
    extension.execution_context = context
    runner = berry.SchemaExtensionsRunner(context, [extension])
    async with runner.operation(), runner.executing():
        pass
    assert await runner.get_extensions_results(context) == {"hooked": True}
    assert not found.type_map["Key"].is_one_of
    berry.mend_one_of(found)
    assert found.type_map["Key"].is_one_of
    argument = berry.StrawberryArgument("key", None, berry.StrawberryAnnotation(str), default=strawberry.UNSET)
    assert argument.python_name == "key"
