"""Argument values that suit a type, good and bad, as GraphQL literals and as JSON for variables."""

from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_required_input_field,
)

from tests.schema.dataset import CENTS, DAYS, INSTANTS, SOURCES, WORDS, World

WRONG: tuple[Any, ...] = ("x", -1, 2**31, 1.5, True, [], {}, "2025-02-30", [None])
PAGES = {"first": (0, 1, 2, 3, 5, 100), "last": (0, 1, 2, 4), "offset": (0, 1, 7, 1000)}
TABLES = ("opportunity", "account", "contact", "user", "workspace", "api_key")
REFERENCES = {"accountId": "account", "contactId": "contact", "assignedToId": "user", "contactIds": "contact"}
"""What the ids of a field are of; others are of any table, or of the one by whose name they are asked for."""
TEXTS = {"name": WORDS, "source": SOURCES[1:]}
BETWEEN = ("2025-01-01T00:00:00.5Z", "2025-06-30T22:59:59.999-01:00", "2025-01-01T02:00:01.25+02:00", "2016-12-31T23:59:60Z")
"""Instants between two seconds, in which rows were written, and a leap second."""
BAD_PAGES = (-1, 101, 2**31 - 1)


class Name(str):
    """The name of an enum's value: bare in a literal, a string in JSON."""

    __slots__ = ()


class Values:
    """Draws values. `share` of them are at fault in one way or another; `account` is the one that the caller is limited to, if any."""

    def __init__(self, random: Random, world: World, share: float, account: str | None = None) -> None:
        self.random = random
        self.world = world
        self.share = share
        self.account = account
        self.ids = {table: [*world.here.ids(table), *world.there.ids(table)] for table in TABLES}
        self.cursors: list[str] = ["", "WyJhIl0=", "x", "WyJhIiwxLCJvcHAiXQ=="]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def of(self, type_: GraphQLInputType, name: str, depth: int = 0) -> Any:
        """A value of `type_` for the argument or field `name`."""
        if self.chance(self.share / 6):
            return self.random.choice(WRONG)
        if isinstance(type_, GraphQLNonNull):
            return self._some(type_.of_type, name, depth)
        return None if self.chance(0.08) else self._some(type_, name, depth)

    def some(self, type_: GraphQLInputType, name: str) -> Any:
        """A value of `type_` that isn't null."""
        return self._some(get_nullable_type(type_), name, 0)

    def _some(self, type_: Any, name: str, depth: int) -> Any:
        if isinstance(type_, GraphQLList):
            if self.chance(0.1):
                return self.of(type_.of_type, name, depth)  # one stands for a list of one
            return [self.of(type_.of_type, name, depth + 1) for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
        if isinstance(type_, GraphQLEnumType):
            return Name(self.random.choice(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, name, depth)
        assert isinstance(type_, GraphQLScalarType)
        return self._scalar(type_.name, name)

    def _object(self, type_: GraphQLInputObjectType, name: str, depth: int) -> dict[str, Any]:
        names = list(type_.fields)
        if depth > 2:
            names = [each for each in names if each not in {"and", "or", "not"}]
        if type_.name.endswith("Filter") and "and" not in type_.fields and not self.chance(self.share / 6):
            # Operators: there is one at least, and none is null.
            chosen = self.random.sample(names, self.random.choice((1, 1, 2)))
            return {each: self._some(get_nullable_type(type_.fields[each].type), name, depth + 1) for each in chosen}
        # Conditions on another record that say nothing are an error.
        sizes = (0, 1, 1, 2, 3) if depth == 0 or name in {"and", "or", "not"} else (1, 1, 2, 3)
        chosen = self.random.sample(names, min(len(names), self.random.choice(sizes)))
        chosen += [each for each, field in type_.fields.items() if is_required_input_field(field) and each not in chosen]
        return {each: self.of(type_.fields[each].type, each, depth + 1) for each in chosen}

    def _scalar(self, type_name: str, name: str) -> Any:  # noqa: PLR0911  a case a line
        random = self.random
        if name in PAGES:
            return random.choice(BAD_PAGES if self.chance(self.share / 3) else PAGES[name])
        if name in {"after", "before"}:
            return random.choice(self.cursors)
        if type_name == "Boolean":
            return self.chance(0.5)
        if type_name == "ID":
            return random.choice(("opp_0", "x")) if self.chance(0.1) else self._id(REFERENCES.get(name, name))
        if type_name == "Money":
            cents = random.choice(CENTS)
            return 0 if cents is None else random.choice((cents / 100, str(cents / 100)))
        if type_name == "Int":
            return random.choice((0, 10, 50, 100, 40_000))
        if type_name == "DateTime" and self.chance(0.5):
            return random.choice(BETWEEN)
        if name in TEXTS and self.chance(0.8):
            text = random.choice(TEXTS[name])
            return text if self.chance(0.4) else text[: random.randrange(1, 3)]
        return random.choice(
            {"Date": DAYS[1:], "DateTime": INSTANTS, "String": (*WORDS, *SOURCES[1:], "a", "Ω", "str", "_", "%")}[type_name]
        )

    def seen(self, table: str) -> str:
        """The id of a row that the caller is likely to see."""
        rows = self.world.here.rows(table)
        own = [row for row in rows if self.account in {row.get("account_id"), row["id"]}]
        return str(self.random.choice(own or rows)["id"])

    def _id(self, table: str) -> str:
        """An id of a table, now and then of another, or of the other workspace."""
        if table not in TABLES or self.chance(0.2):
            return self.random.choice(self.ids[self.random.choice(TABLES)])
        return self.seen(table) if self.chance(0.5) else self.random.choice(self.world.here.ids(table))


def literal(value: Any) -> str:  # noqa: PLR0911  a case a line
    """A value as GraphQL writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    return repr(value)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    return {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def type_name(type_: GraphQLInputType) -> str:
    """The name inside all wrappings."""
    return get_named_type(type_).name
