"""Defines which values of a call count as given: rules never overwrite a given value."""

from schema.values import Value


def is_absent(value: Value, stored: Value, *, whole: bool = False, refused: bool = False) -> bool:
    """Whether a value counts as if the call had left it out. `stored` is what the record holds; None on create, where nothing is stored.

    A value that differs from the stored one always counts. One that equals it counts as absent in three cases:

    - It is null: there is nothing to clear. Many clients write null for what they leave out.
    - The client sent the `whole` object back, as it read it, with a change somewhere in it.
    - A rule would have `refused` it: the caller didn't choose it, and it can't stay.
    """
    return bool(value == stored) and (value is None or whole or refused)
