"""Everything that a package needs to declare nouns and to add to those of the gateway. See docs/extending.md."""

from strawberry import ID

from schema.engine.compile.sources import OwnedBy
from schema.engine.declare.columns import field
from schema.engine.declare.enums import plain_enum, stored_enum
from schema.engine.declare.noun import noun, seen_with
from schema.engine.declare.relations import computed, flag, newest
from schema.engine.declare.sql import Stored
from schema.engine.declare.tracked import Tracked
from schema.engine.execute.resolvers.context import Context
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import Date, DateTime, Money
from schema.engine.write.inputs import InputError, invalid
from schema.engine.write.rules import RecordValues, Rules, rules_of
from schema.engine.write.unit_of_work import WriteContext
from schema.extensions import Extension
from schema.nouns.all import Account, Contact, Opportunity, User
from schema.nouns.limits import LINE, NAME, SHORT

__all__ = [
    "ID",
    "LINE",
    "NAME",
    "SHORT",
    "Account",
    "Constraint",
    "Contact",
    "Context",
    "Date",
    "DateTime",
    "Extension",
    "InputError",
    "Money",
    "Opportunity",
    "OwnedBy",
    "RecordValues",
    "Rules",
    "Stored",
    "Tracked",
    "User",
    "WriteContext",
    "computed",
    "field",
    "flag",
    "invalid",
    "newest",
    "noun",
    "plain_enum",
    "rules_of",
    "seen_with",
    "stored_enum",
]
