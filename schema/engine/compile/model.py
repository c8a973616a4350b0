"""The schema as the planner sees it: for every field of every type, where it is read from."""

from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
)
from sqlalchemy import FromClause

from schema.engine.libraries.strawberry_graphql import declared
from schema.sql_types import Clause

from .conditions import FilterModel
from .formats import Formats
from .sources import FOR_ADMINS, LONGEST, RESOLVED, SOURCE, Column, FieldSource, ResolverSource, SqlExpression, StoredType, metadata


@dataclass(frozen=True, slots=True)
class FieldModel:
    """A field of an object type: its source, None where it is a member of a plain object.

    `for_admins`: everybody but an admin reads null. `longest` is how many characters it has at most, None where nothing says so.
    """

    type_name: str
    name: str
    source: FieldSource | None
    definition: GraphQLField
    for_admins: bool = False
    longest: int | None = None

    @property
    def is_list(self) -> bool:
        """Whether its value is a list."""
        return isinstance(get_nullable_type(self.definition.type), GraphQLList)

    @property
    def coordinate(self) -> str:
        """Its name in the schema, as in `Type.field`."""
        return f"{self.type_name}.{self.name}"


class Model:
    """Looks up what the Strawberry types declare. Raises TypeError where a declaration and the table disagree."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.formats = Formats(schema)
        objects = [type_ for type_ in schema.type_map.values() if isinstance(type_, GraphQLObjectType) and declared(type_) is not None]
        self._stored = {type_.name: stored for type_ in objects if (stored := _stored(type_)) is not None}
        self.filters: dict[str, FilterModel] = {}
        """The filters, by the name of the filtered type."""
        others: dict[str, tuple[FilterModel | None, StoredType]] = {}
        for name, stored in self._stored.items():
            filter_ = _filter(schema, name)
            if filter_ is not None:
                self.filters[name] = FilterModel(filter_, others, stored.visible)
            others[name] = self.filters.get(name), stored
        self._fields = {type_.name: self._model_fields(type_) for type_ in objects}
        self._attributes = {name: _attributes(self._fields[name]) for name in self._stored}
        self._check_resolvers()

    def stored(self, type_name: str) -> StoredType:
        """Return the stored rows of a type."""
        return self._stored[type_name]

    def object_type(self, type_name: str) -> GraphQLObjectType:
        """The object type of this name."""
        found = self.schema.type_map[type_name]
        assert isinstance(found, GraphQLObjectType), type_name
        return found

    def field(self, type_name: str, name: str) -> FieldModel:
        """A field of a type."""
        return self._fields[type_name][name]

    def by_prefix(self) -> dict[str, str]:
        """Which type an id belongs to, by its prefix."""
        return {stored.prefix: name for name, stored in self._stored.items() if stored.prefix}

    def is_stored(self, type_name: str) -> bool:
        """Whether a type has rows."""
        return type_name in self._stored

    def needed(self, type_name: str, name: str, table: FromClause) -> Clause:
        """The column of `table` that a resolver needs by `name`: the attribute of a field, or a column of no field."""
        source = self._attributes[type_name].get(name)
        if source is not None and isinstance(source.source, SqlExpression):
            return source.source.build(table)
        return table.c[source.source.name if source is not None and isinstance(source.source, Column) else name]

    def type_of(self, type_name: str, name: str) -> GraphQLNamedType | None:
        """The type of the field with the attribute `name`; None for a column of no field."""
        found = self._attributes[type_name].get(name)
        return None if found is None else get_named_type(found.definition.type)

    def _check_resolvers(self) -> None:
        """Raises TypeError for what could not be honoured when a resolver is called."""
        for fields in self._fields.values():
            for model in fields.values():
                if isinstance(model.source, ResolverSource):
                    self._check_resolver(model, model.source)
                elif RESOLVED in metadata(model.definition):
                    raise TypeError(f"{model.coordinate} has a resolver of an extension, which only records, Query and Mutation can have.")
                elif model.type_name in self._stored and declared(model.definition).extensions:
                    raise TypeError(f"{model.coordinate} has permissions or extensions, and no resolver that they could stand around.")

    def _check_resolver(self, model: FieldModel, source: ResolverSource) -> None:
        columns = set(self._stored[model.type_name].table.c.keys()) if model.type_name in self._stored else set[str]()
        for name in source.needs:
            if name not in columns and name not in self._attributes.get(model.type_name, {}):
                raise TypeError(f"{model.coordinate} needs {name}, which is neither a field with a value of its own nor a column.")
        if model.type_name == "Mutation" and isinstance(model.definition.type, GraphQLNonNull):
            raise TypeError(f"{model.coordinate} rules out null, which stands for a mutation that failed: write its type as `... | None`.")
        type_ = get_named_type(model.definition.type)
        if is_abstract_type(type_):
            raise TypeError(f"{model.coordinate} answers {type_.name}, an interface or a union: a resolver must answer one type.")

    def _model_fields(self, type_: GraphQLObjectType) -> dict[str, FieldModel]:
        return {
            name: FieldModel(
                type_.name,
                name,
                self._source(type_, name, field),
                field,
                bool(metadata(field).get(FOR_ADMINS)),
                metadata(field).get(LONGEST),
            )
            for name, field in type_.fields.items()
        }

    def _source(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> FieldSource | None:
        declaration = declared(field)
        source: FieldSource | None = declaration.metadata.get(SOURCE)
        stored = self._stored.get(type_.name)
        if source is None and declaration.base_resolver is not None and (stored is not None or type_ is self.schema.query_type):
            return declaration.metadata.get(RESOLVED, ResolverSource())  # type: ignore[no-any-return]
        if type_ is self.schema.mutation_type:
            return declaration.metadata.get(RESOLVED)  # type: ignore[no-any-return]
        if source is None and stored is not None:
            source = Column(declaration.python_name)
        if isinstance(source, Column) and stored is not None and source.name not in stored.table.c:
            raise TypeError(f"{type_.name}.{name} reads the column {source.name}, which {stored.table.name} doesn't have")
        return source


def _attributes(fields: dict[str, FieldModel]) -> dict[str, FieldModel]:
    """The fields that have a value of their own, by the names of their attributes."""
    return {declared(model.definition).python_name: model for model in fields.values() if isinstance(model.source, Column | SqlExpression)}


def _filter(schema: GraphQLSchema, type_name: str) -> GraphQLInputObjectType | None:
    found = schema.type_map.get(f"{type_name}Filter")
    return found if isinstance(found, GraphQLInputObjectType) else None


def _stored(type_: GraphQLObjectType) -> StoredType | None:
    origin = declared(type_).origin
    found: StoredType | None = origin.__dict__.get("__stored__")
    return found
