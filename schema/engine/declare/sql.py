"""The class of stored rows: a SQLModel class whose fields say what they become in the graph."""

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field
from sqlmodel.main import SQLModelMetaclass
from strawberry.utils.str_converters import to_snake_case

from schema.storage.columns import CodePointText
from schema.storage.tables import TableRow
from schema.values import Made, Object, Value

from .base import Declaration

KEY = ("workspace_id", "id")


class RowMeta(SQLModelMetaclass):
    """Gives each declaration to SQLModel as the column that it has, if any, and keeps it in `declared`."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: Object, **options: Value) -> Made:
        """Raises TypeError for a declaration that has no annotation and needs one."""
        annotations = namespace.get("__annotations__", {})
        inherited = {attribute: each for base in bases for attribute, each in getattr(base, "__declared__", {}).items()}
        found = {attribute: value for attribute, value in namespace.items() if isinstance(value, Declaration)}
        for attribute, declaration in found.items():
            declaration.bind(attribute, annotations.get(attribute))
            column = declaration.sql_column()
            if column is None:
                annotations.pop(attribute, None)
                del namespace[attribute]
            else:
                namespace[attribute] = column
        if options.get("table") and any(issubclass(base, Record) for base in bases if isinstance(base, RowMeta)):
            namespace["__table_args__"] = _table_arguments({**inherited, **found}, namespace.get("__table_args__", ()))
        if options.get("table"):
            namespace.setdefault("__tablename__", to_snake_case(name))
        namespace["__declared__"] = {**found, **inherited}
        return super().__new__(cls, name, bases, namespace, **options)


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
