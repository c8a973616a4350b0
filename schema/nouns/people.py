"""Shared by contacts and users: a name and an e-mail address, which are searched together."""

from sqlalchemy import FromClause, func

from schema.rules.text import fold, fold_email
from schema.sql_types import Clause
from schema.values import Object

_LINE = "\n"


def fold_person(row: Object) -> None:
    """Sets the columns by which a person is found."""
    row["email_folded"] = fold_email(row["email"])
    row["search_folded"] = fold(f"{row['name']}\n{row['email']}")


def folded_name(person: FromClause) -> Clause:
    """The case-folded name of a person: all of `search_folded` before its last line, since an address has no line break."""
    return func.rtrim(_before_address(person), _LINE)


def folded_email(person: FromClause) -> Clause:
    """The case-folded address of a person: the last line of `search_folded`."""
    return func.replace(person.c.search_folded, _before_address(person), "")


def _before_address(person: FromClause) -> Clause:
    """All up to the last line break: what is left when every other character is taken off the end."""
    text = person.c.search_folded
    return func.rtrim(text, func.replace(text, _LINE, ""))
