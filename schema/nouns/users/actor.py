"""Actors: a user, or a program with an API key."""

from typing import Annotated

import strawberry

from .api_key import ApiKey
from .user import User

Actor = Annotated[User | ApiKey, strawberry.union("Actor", description="Who changed something: a user, or a program with an API key.")]


def by_user(did: str) -> str:
    """The description of a field `by`."""
    return f"The user who {did}; null if it was an API key, or a user whom the caller may not see."


def by_actor(did: str) -> str:
    """The description of a field `actor`."""
    return f"The user or the API key that {did}; null for a user whom the caller may not see, and where it was not recorded."
