"""The class of stored rows: a SQLModel class whose fields say what they become in the graph."""

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import ArgumentError
from sqlmodel import Field
from sqlmodel.main import SQLModelMetaclass
from strawberry.utils.str_converters import to_snake_case

from schema.storage.columns import CodePointText
from schema.storage.tables import TableRow
from schema.values import Made, Object, Value, Values

from .base import Declaration
from .options import check_name, check_options

KEY = ("workspace_id", "id")
_OF_SQLALCHEMY = frozenset({"metadata", "registry"})
_OF_DATABASES = ("sqlite_", "pg_")


class RowMeta(SQLModelMetaclass):
    """Gives each declaration to SQLModel as the column that it has, if any, and keeps it in `declared`."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: Object, **options: Value) -> Made:
        """Raises TypeError for a declaration that has no annotation and needs one."""
        annotations = namespace.get("__annotations__", {})
        inherited = {attribute: each for base in bases for attribute, each in getattr(base, "__declared__", {}).items()}
        found = {attribute: value for attribute, value in namespace.items() if isinstance(value, Declaration)}
        _check_attributes(name, found, inherited)
        for attribute, declaration in found.items():
            column = _column(declaration, name, attribute, annotations.get(attribute))
            if column is None:
                annotations.pop(attribute, None)
                del namespace[attribute]
            else:
                namespace[attribute] = column
        if options.get("table") and any(issubclass(base, Record) for base in bases if isinstance(base, RowMeta)):
            own = namespace.get("__table_args__", ())
            if not isinstance(own, tuple):
                raise TypeError(f"{name} says __table_args__={own!r}, where a tuple is wanted: write a comma behind a single index")
            _check_uniques(name, {**inherited, **found}, annotations)
            namespace["__table_args__"] = _table_arguments({**inherited, **found}, own)
        if options.get("table"):
            _check_table(name, namespace.setdefault("__tablename__", to_snake_case(name)))
        namespace["__declared__"] = {**found, **inherited}
        return super().__new__(cls, name, bases, namespace, **options)

    def __init__(cls: Made, name: str, bases: tuple[type, ...], namespace: Object, **options: Value) -> None:  # noqa: N805  it makes classes
        """Raises TypeError where the table can't be made, such as for an index of a column that isn't there."""
        try:
            super().__init__(name, bases, namespace, **options)
        except ArgumentError as error:
            raise TypeError(f"{name} can't have its table: {error} Its fields are {', '.join(cls.model_fields)}") from None


def _column(declaration: Declaration, name: str, attribute: str, annotation: Made) -> Made:
    """The column of the line `attribute` of the class `name`, if any. Raises TypeError, which names both."""
    place = f"{name}.{attribute}"
    check_options(declaration, place)
    try:
        declaration.bind(attribute, annotation)
        return declaration.sql_column()
    except TypeError as error:
        raise TypeError(f"{place}: {error}") from None


def _check_uniques(name: str, declared: dict[str, Declaration], annotations: Values) -> None:
    """Raises TypeError for what shall be unique and is no column."""
    renamed = {attribute: getattr(each, "stored", attribute) for attribute, each in declared.items()}
    columns = [*dict.fromkeys([*renamed.values(), *(each for each in annotations if each not in renamed)])]
    for attribute, each in declared.items():
        if (unique := each.uniques()) is not None:
            check_name(f"{name}.{attribute}", "unique", unique.column, columns)


def _check_attributes(name: str, found: Iterable[str], inherited: Container[str]) -> None:
    """Raises TypeError for a field of a name that is taken."""
    for attribute in found:
        if attribute in inherited or attribute == KEY[0]:
            raise TypeError(f"{name}.{attribute} is there already, in a class that this one extends: give the field another name")
        if attribute in _OF_SQLALCHEMY:
            raise TypeError(
                f"{name}.{attribute} has a name that SQLAlchemy needs: write `{attribute}_`, which the graph calls `{attribute}`"
            )


def _check_table(name: str, table: str) -> None:
    """Raises TypeError for the name of a table that is there already, or that a database keeps for itself."""
    if table in TableRow.metadata.tables or table == "alembic_version":
        raise TypeError(f"{name} would have the table {table}, which is there already: give the class another name")
    if table.startswith(_OF_DATABASES):
        raise TypeError(f"{name} would have the table {table}, a name that databases keep for themselves: give the class another name")


def _table_arguments(declared: dict[str, Declaration], given: tuple[Value, ...]) -> tuple[Value, ...]:
    """The key, the references within the workspace, what is unique, and what the class says beside them."""
    references = [each for declaration in declared.values() if (each := declaration.reference()) is not None and each.link is None]
    uniques = [unique for declaration in declared.values() if (unique := declaration.uniques()) is not None]
    return (
        PrimaryKeyConstraint(*KEY),
        ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        *[ForeignKeyConstraint(["workspace_id", each.column], _key_of(each.to)) for each in references],
        *[UniqueConstraint("workspace_id", unique.column) for unique in uniques],
        *given,
    )


def _key_of(name: str) -> list[str]:
    table = to_snake_case(name)
    return [f"{table}.{column}" for column in KEY]


class Stored(TableRow, metaclass=RowMeta):
    """Rows of a table that the graph shows."""

    if TYPE_CHECKING:
        __declared__: ClassVar[dict[str, Declaration]]
        __noun__: ClassVar[Any]


class Record(Stored):
    """Rows with an id, each of them in a workspace."""

    workspace_id: str = Field(sa_type=CodePointText)
    id: str = Field(sa_type=CodePointText)
