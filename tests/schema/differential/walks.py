"""Walks through lists page by page: drawn orders, most over what may be null, forwards and backwards, of one parent and of many."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_non_null_type

from tests.schema.dataset import World
from tests.schema.differential.documents import MAX_DEPTH, Drawing
from tests.schema.differential.values import Values, plain

MOST_PAGES = 12
CURSORS = ("after", "before")
_GROUPS = {"and", "or", "not"}


@dataclass(frozen=True, slots=True)
class Walk:
    """A page of a walk: the document, the variables, where the connection stands in the answer, and how many pages may follow.

    `random` draws which of many parents' cursors the walk goes on from.
    """

    text: str
    variables: dict[str, Any]
    path: tuple[str, ...]
    random: Random
    left: int = MOST_PAGES

    def next(self, data: Any) -> "Walk | None":
        """The walk one page on; None where there is none."""
        found = _at(data, self.path)
        backward = self.variables.get("last") is not None
        more, end = ("hasPreviousPage", "startCursor") if backward else ("hasNextPage", "endCursor")
        ends = [page["pageInfo"][end] for page in found if page["pageInfo"][more] and page["pageInfo"][end]]
        if not ends or not self.left:
            return None
        # Now and then the page is on the far side of the cursor: the last before it, or the first after it.
        far = self.random.random() < 0.1 and "$before" in self.text
        cursor = CURSORS[backward != far]
        variables = {name: value for name, value in self.variables.items() if name not in {*CURSORS, "offset"}}
        return replace(self, variables={**variables, cursor: self.random.choice(ends)}, left=self.left - 1)


def _at(data: Any, path: tuple[str, ...]) -> list[Any]:
    """What stands at a path, of each item where lists are on the way; nulls left out."""
    found = [data]
    for key in path:
        inner = [each[key] for each in found if each is not None]
        found = [item for each in inner for item in (each if isinstance(each, list) else [each])]
    return [each for each in found if each is not None]


def draw_walk(schema: GraphQLSchema, random: Random, world: World, turn: int, *, limited: bool) -> Walk:
    """The first page of a walk through a list of the schema; three of four turns have a filter, each with another condition.

    `limited`: the caller doesn't see all, so conditions on other records are drawn more often.
    """
    root: Any = schema.query_type
    lists = [(root, name, field) for name, field in root.fields.items() if _is_list(field)]
    below = [(get_named_type(f.type), n) for n, f in root.fields.items() if isinstance(get_named_type(f.type), GraphQLObjectType)]
    parents = {type_.name: name for type_, name in below if "id" in type_.fields and {"id"} == root.fields[name].args.keys()}
    lists += [
        (type_, name, field) for type_, _ in below if type_.name in parents for name, field in type_.fields.items() if _is_list(field)
    ]
    filtered = turn % 4 > 0
    if filtered:
        lists = [each for each in lists if "filter" in each[2].args]
    owner, name, field = random.choices(lists, [5 if "orderBy" in field.args else 1 for *_, field in lists])[0]
    drawing = Drawing(schema, random, Values(random, world, 0))
    drawing.declared += [f"${argument}: {definition.type}" for argument, definition in field.args.items()]
    page = f"{name}({', '.join(f'{each}: ${each}' for each in field.args)}) {_selection(field, drawing)}"
    drawing.variables |= _variables(field, random, drawing.values)
    if filtered:
        type_: Any = get_named_type(field.args["filter"].type)
        elsewhere = limited and drawing.chance(0.8)
        drawing.variables["filter"] = plain(_filter(type_, drawing.values, turn * 3 // 4, elsewhere=elsewhere))
    if owner is root:
        return _walk(drawing, page, (name,))
    one = parents[owner.name]
    if random.random() < 0.5:
        drawing.declared.append("$id: ID!")
        drawing.variables["id"] = random.choice(world.here.ids(one))
        return _walk(drawing, f"{one}(id: $id) {{ {page} }}", (one, name))
    return _walk(drawing, f"{one}s(first: 8) {{ nodes {{ {page} }} }}", (f"{one}s", "nodes", name))


def _walk(drawing: Drawing, body: str, path: tuple[str, ...]) -> Walk:
    text = " ".join([f"query({', '.join(drawing.declared)}) {{ {body} }}", *drawing.fragments])
    return Walk(text, drawing.variables, path, drawing.random)


def _is_list(field: GraphQLField) -> bool:
    return get_named_type(field.type).name.endswith("Connection")


def _selection(field: GraphQLField, drawing: Drawing) -> str:
    """Cursors and ends, and now and then what is counted over all pages, and something of each record."""
    type_: Any = get_named_type(field.type)
    more = []
    if drawing.chance(0.4):
        more.append("totalCount")
        more += [f"summary {{ {' '.join(get_named_type(each.type).fields)} }}" for name, each in type_.fields.items() if name == "summary"]
    if drawing.chance(0.5):
        more.append(f"nodes {drawing.selection(get_named_type(type_.fields['nodes'].type), MAX_DEPTH - 3)}")
    return f"{{ edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} {' '.join(more)} }}"


def _variables(field: GraphQLField, random: Random, values: Values) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "last" in field.args and random.random() < 0.5:
        given["last"] = random.randrange(1, 5)
    else:
        given["first"] = random.randrange(1, 5)
        if random.random() < 0.3:
            given["offset"] = random.randrange(6)
    for name in ("search", "accountId"):
        if name in field.args and random.random() < 0.3:
            given[name] = values.of(field.args[name].type, name)
    if "orderBy" in field.args and random.random() < 0.9:
        given["orderBy"] = _order(field, random)
    return {name: value for name, value in given.items() if name in field.args}


def _filter(type_: Any, values: Values, turn: int, *, elsewhere: bool = False) -> dict[str, Any]:
    """One condition, so that something is left of the list; now and then its contrary, or one of two.

    Each operator of each field has its turn: what is one of many would be drawn too seldom. `elsewhere`: it is on another record.
    """
    fields = {name: get_named_type(field.type) for name, field in type_.fields.items() if name not in _GROUPS}
    other = {name: inner for name, inner in fields.items() if name.endswith("Id") or not _GROUPS.isdisjoint(getattr(inner, "fields", ()))}
    fields = other if elsewhere and other else fields
    conditions = [(name, operator) for name, inner in fields.items() for operator in getattr(inner, "fields", {"": None})]
    name, operator = values.random.choice(conditions) if elsewhere else conditions[turn % len(conditions)]
    inner: Any = fields[name].fields[operator].type if operator else fields[name]
    value = values.some(inner, name)
    one = {name: {operator: value} if operator else value}
    if values.chance(0.3):
        return {"not": one}
    return {"or": [one, _filter(type_, values, values.random.randrange(100))]} if values.chance(0.2) else one


def _order(field: GraphQLField, random: Random) -> list[dict[str, str]]:
    """Up to three terms; what may be null is drawn more often than what can't be."""
    enum: Any = get_named_type(get_named_type(field.args["orderBy"].type).fields["field"].type)
    node: Any = get_named_type(get_named_type(field.type).fields["nodes"].type)
    nullable = {
        _key(name) for name, each in node.fields.items() if is_leaf_type(get_named_type(each.type)) and not is_non_null_type(each.type)
    }
    weights = [4 if _key(name) in nullable else 1 for name in enum.values]
    drawn = random.choices(list(enum.values), weights, k=random.choice((1, 1, 2, 3)))
    return [{"field": name, "direction": random.choice(("ASC", "DESC"))} for name in drawn]


def _key(name: str) -> str:
    return name.replace("_", "").lower()
