"""Permissions of fields: a refusal has the code FORBIDDEN, unless the permission gives a code of its own."""

from collections.abc import Callable

from graphql import GraphQLError
from strawberry.permission import BasePermission
from strawberry.types.field import StrawberryField

from schema.engine.libraries.strawberry_graphql import permissions_of
from schema.rules.errors import Forbidden


class _Refuse:
    """Replaces a permission's `on_unauthorized`."""

    def __init__(self, refuse: Callable[[], None]) -> None:
        self.refuse = refuse

    def __call__(self) -> None:
        try:
            self.refuse()
        except GraphQLError as error:
            if "code" in (error.extensions or {}):
                raise
            raise Forbidden(error.message) from error
        except Exception as error:
            raise Forbidden(str(error)) from error


def forbid(field: StrawberryField) -> None:
    """Sees to it for a field; once, however many schemas it is part of."""
    for permission in permissions_of(field):
        _forbid(permission)


def _forbid(permission: BasePermission) -> None:
    if not isinstance(permission.on_unauthorized, _Refuse):
        permission.on_unauthorized = _Refuse(permission.on_unauthorized)  # type: ignore[method-assign]
