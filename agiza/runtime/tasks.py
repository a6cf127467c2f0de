"""Ending tasks for good.

    await end({task, other})

On Python 3.11 a cancellation that meets the end of a wait with a limit (``asyncio.wait_for``) is lost, and clients such
as Redis' are full of them. So whoever cancels once and then waits may wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

CANCEL_AGAIN_S: Final = 0.5


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel them, again and again, until all have ended. What they raise is neither raised here nor reported."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # nobody else asks for it
