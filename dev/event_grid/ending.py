"""Ends tasks for certain."""

import asyncio
from typing import Any

_ASK_AGAIN_SECONDS = 0.05


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and return once they are gone.

    One request is not always enough: on Python 3.11 `asyncio.wait_for` swallows a cancellation that comes in the same
    moment as what it waited for, as when the clock is moved and Event Grid is closed right after.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN_SECONDS)
