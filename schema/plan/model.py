"""The schema as the planner sees it: for every field of every type, where it is read from."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from .conditions import FilterModel
from .formats import Formats
from .sources import FOR_ADMINS, LIMITS, LONGEST, SOURCE, Column, Source, Stored, metadata

_DEFINITION = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class FieldModel:
    """A field of an object type: its source, None where it is a member of a plain object.

    `for_admins`: everybody but an admin reads null. `longest` is how many characters it has at most, None where nothing says so.
    """

    type_name: str
    name: str
    source: Source | None
    definition: GraphQLField
    for_admins: bool = False
    longest: int | None = None

    @property
    def coordinate(self) -> str:
        """Its name in the schema, as in `Opportunity.account`."""
        return f"{self.type_name}.{self.name}"


class Model:
    """Looks up what the Strawberry types declare. Raises TypeError where a declaration and the table disagree."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.formats = Formats(schema)
        objects = [type_ for type_ in schema.type_map.values() if isinstance(type_, GraphQLObjectType) and _DEFINITION in type_.extensions]
        self._stored = {type_.name: stored for type_ in objects if (stored := _stored(type_)) is not None}
        self.filters = {name: FilterModel(filter_) for name in self._stored if (filter_ := _filter(schema, name)) is not None}
        """By the name of the type that they narrow."""
        self._fields = {type_.name: self._model_fields(type_) for type_ in objects}

    def stored(self, type_name: str) -> Stored:
        """Where the rows of a type are."""
        return self._stored[type_name]

    def field(self, type_name: str, name: str) -> FieldModel:
        """A field of a type."""
        return self._fields[type_name][name]

    def by_prefix(self) -> dict[str, str]:
        """Which type an id belongs to, by its prefix."""
        return {stored.prefix: name for name, stored in self._stored.items() if stored.prefix}

    def _model_fields(self, type_: GraphQLObjectType) -> dict[str, FieldModel]:
        created: Any = self.schema.type_map.get(f"Create{type_.name}Input")
        inputs: dict[str, GraphQLInputField] = {} if created is None else created.fields
        return {
            name: FieldModel(
                type_.name,
                name,
                self._source(type_, name, field),
                field,
                bool(metadata(field).get(FOR_ADMINS)),
                _longest(field, inputs.get(name)),
            )
            for name, field in type_.fields.items()
        }

    def _source(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> Source | None:
        declared = field.extensions[_DEFINITION]
        source: Source | None = declared.metadata.get(SOURCE)
        stored = self._stored.get(type_.name)
        if source is None and stored is not None:
            source = Column(declared.python_name)
        if isinstance(source, Column) and stored is not None and source.name not in stored.table.c:
            message = f"{type_.name}.{name} reads the column {source.name}, which {stored.table.name} doesn't have"
            raise TypeError(message)
        return source


def _longest(field: GraphQLField, created: GraphQLInputField | None) -> int | None:
    """What the field says itself, or the input that such records are created by."""
    limits = metadata(created).get(LIMITS) if created is not None else None
    found = metadata(field).get(LONGEST) or getattr(limits, "max_length", None)
    return found if isinstance(found, int) else None


def _filter(schema: GraphQLSchema, type_name: str) -> GraphQLInputObjectType | None:
    found = schema.type_map.get(f"{type_name}Filter")
    return found if isinstance(found, GraphQLInputObjectType) else None


def _stored(type_: GraphQLObjectType) -> Stored | None:
    origin = type_.extensions[_DEFINITION].origin
    found: Stored | None = origin.__dict__.get("__stored__")
    return found
