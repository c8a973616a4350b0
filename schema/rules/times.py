"""Instants, which are kept in whole seconds."""


class Between(str):
    """An instant between two seconds, as the text of the one before.

    Kept, it is that second; as a bound it lies behind it (see `schema.engine.compile.conditions`).
    """

    __slots__ = ()
