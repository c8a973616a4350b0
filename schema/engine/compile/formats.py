"""Converts drivers' values to response values: the Python expressions that writers are made of.

In a writer made `for_fallback`, scalars stay as the drivers hold them: graphql-core serializes them itself.
"""

import re
from typing import Final

import orjson
from graphql import GraphQLEnumType, GraphQLScalarType, GraphQLSchema, is_specified_scalar_type
from strawberry.utils.str_converters import to_snake_case

from schema.engine.libraries.strawberry_graphql import declared
from schema.rules.money import SHORT_FORMS
from schema.values import Object

from .enums import StoredEnum
from .writer import fault

#: Code that may stand in an expression more than once: a column of a row.
PLAIN: Final = re.compile(r"\w+\[\d+\]").fullmatch


class Formats:
    """The formats of a schema's types. `names` are those that the expressions use."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.names: Object = {"loads": orjson.loads, "fault": fault}
        self._enums = {"Boolean": "bool({})"}
        self._scalars: dict[str, tuple[str, str | None]] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLEnumType):
                self._add_enum(type_)
            elif isinstance(type_, GraphQLScalarType) and not is_specified_scalar_type(type_) and type_.coerce_output_value is not str:
                function = f"show_{to_snake_case(type_.name)}"
                self.names[function] = type_.coerce_output_value
                self._scalars[type_.name] = f"{function}({{0}})", SHORT_FORMS.get(type_.coerce_output_value)

    def _add_enum(self, type_: GraphQLEnumType) -> None:
        """An enum that is stored is read from a table of its members' names, by what the database holds."""
        declaration = declared(type_)
        if declaration is not None and issubclass(declaration.wrapped_cls, StoredEnum):
            table = to_snake_case(type_.name).upper()
            self.names[table] = declaration.wrapped_cls.names()
            self._enums[type_.name] = f"{table}[{{}}]"

    def of(self, type_name: str, code: str, *, for_fallback: bool, nullable: bool) -> str:
        """The expression that makes a response value of `type_name` from the driver's value `code`."""
        if type_name in self._scalars and not for_fallback:
            call, short = self._scalars[type_name]
            return (short if short and PLAIN(code) else call).format(code)
        template = self._enums.get(type_name)
        if template is None:
            return code
        return f"None if {code} is None else {template.format(code)}" if nullable else template.format(code)
