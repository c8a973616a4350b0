"""The limits that fields of several nouns share."""

from schema.engine.types.fields import Constraint
from schema.rules.text import VISIBLE

NAME = Constraint(min_length=1, max_length=200, pattern=VISIBLE)
EMAIL = Constraint(min_length=3, max_length=254, format="email")
SHORT = Constraint(max_length=100)
LINE = Constraint(max_length=200)
