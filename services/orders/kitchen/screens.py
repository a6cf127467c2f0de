"""All screens of this process: each branch that has one is watched once, for all of them.

screen = await screens.enter("westlands")        # TooManyScreens when the branch has its fill
try: ...
finally: await screens.leave(screen)
"""

from __future__ import annotations

import asyncio
from typing import Final

from services.orders.kitchen.screen import Screen
from services.orders.kitchen.watch import Watch, WatchParts

SCREENS_MAX: Final = 12
"""Of one branch, in each process."""


class TooManyScreens(Exception):
    """The branch has as many screens as it may have."""

    retryable = True


class Screens:
    """Enters screens and lets them go."""

    def __init__(self, parts: WatchParts) -> None:
        self._parts = parts
        self._watches: dict[str, Watch] = {}
        self._doors: dict[str, asyncio.Lock] = {}
        self._is_closed = False

    async def enter(self, branch_id: str) -> Screen:
        """A screen that is told everything from now on. Raises :class:`TooManyScreens`, ``MenuNotFound`` and psycopg's
        errors."""
        async with self._doors.setdefault(branch_id, asyncio.Lock()):
            watch = self._watches.get(branch_id)
            if watch is None:
                watch = Watch(branch_id, self._parts)
                await watch.start()
                self._watches[branch_id] = watch
            if len(watch.screens) >= SCREENS_MAX:
                raise TooManyScreens(f"branch {branch_id} shows {SCREENS_MAX} screens already: close one")
            screen = Screen(branch_id)
            watch.screens.add(screen)
            if self._is_closed:
                screen.over.set()
            self._count(watch)
            return screen

    async def leave(self, screen: Screen) -> None:
        """Nothing more is told to it. With its last screen the watch of a branch ends."""
        async with self._doors[screen.branch_id]:
            watch = self._watches[screen.branch_id]
            watch.screens.discard(screen)
            self._count(watch)
            if not watch.screens:
                del self._watches[screen.branch_id]
                await watch.close()

    def watch_of(self, screen: Screen) -> Watch:
        """The watch that a screen is in."""
        return self._watches[screen.branch_id]

    def look_at(self, branch_id: str) -> None:
        """Something that has no number was changed here: look at once, where anybody watches."""
        if (watch := self._watches.get(branch_id)) is not None:
            watch.hint()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send all screens away when the process stops: they come back to another one, or to this one anew."""
        await stopping.wait()
        self._is_closed = True
        for watch in self._watches.values():
            for screen in watch.screens:
                screen.over.set()

    def _count(self, watch: Watch) -> None:
        self._parts.metrics.set("kitchen_screens", len(watch.screens), branch=watch.branch_id)
