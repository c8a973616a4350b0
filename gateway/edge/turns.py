"""Turns of the event loop for work that takes milliseconds and that anyone may cause: however many do, others are heard in between."""

import asyncio


class Turns:
    """Lets one caller go on in each turn of the event loop, in the order in which they came."""

    def __init__(self) -> None:
        self._coming = asyncio.Lock()

    async def come(self) -> None:
        """Returns when it is the caller's turn: what it does before it waits again is done before the next one's."""
        async with self._coming:
            await asyncio.sleep(0)
