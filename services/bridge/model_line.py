"""The model side of one live call: one session after the other, never two at once.

The session of the call decides when a model session is opened and left; here that is done, in order: the old socket is
closed before the next one is dialled, since the server refuses a handle whose session is still connected.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final, assert_never

from agiza.runtime.logs import get_logger
from services.bridge.legs.live_leg import LiveLeg
from services.bridge.legs.live_model import LiveModel, ModelRefused
from services.bridge.legs.live_setup import ModelSetup, within_call
from services.bridge.legs.uplink import Uplink
from services.bridge.menu_cache import MenuUnavailable
from services.bridge.session import actions as a
from services.bridge.session import inputs as i

RESUME_S: Final = 2.0
"""A session of the leg before that does not come back in this time is begun anew from our own record."""
JITTER: Final = 0.2
"""Attempts of many calls that lost their sessions together are spread by so much of their delay, both ways."""

_log = get_logger(__name__)


class NotWanted(Exception):
    """There is to be no model session: the leg is over before it began."""

    retryable = False


class ModelLine:
    """Takes orders at any time, carries them out in :meth:`run`. Only the newest order for a session counts.

    ``first_setup`` makes what the first session is told, and is asked again until it has succeeded once; ``spread``
    gives numbers between -1 and 1. ``on_first`` is told once whether the leg begins with the session of the leg before.
    """

    def __init__(
        self,
        model: LiveModel,
        uplink: Uplink,
        feed: Callable[[i.Input], None],
        first_setup: Callable[[], Awaitable[ModelSetup]],
        *,
        spread: Callable[[], float],
        on_first: Callable[[bool], None],
    ) -> None:
        self._model = model
        self._uplink = uplink
        self._feed = feed
        self._first_setup = first_setup
        self._spread = spread
        self._on_first = on_first
        self._has_begun = False
        self._setup: ModelSetup | None = None
        self._wanted: a.ConnectModel | None = None
        self._generation = 0
        self._holding: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.live: LiveLeg | None = None
        """The session that can be talked to now."""

    def connect(self, order: a.ConnectModel) -> None:
        """Open this session as soon as the one before is closed."""
        self._wanted = order
        self._generation = order.generation
        self.live = None
        self._wake.set()

    def close(self) -> None:
        """Close the session that is open or being opened; what it still says is dropped."""
        self._generation = 0
        self._wanted = self.live = None
        if self._holding is not None:
            self._holding.cancel()

    def tell(self, what: a.RequestGreeting | a.GoOn | a.AnswerTools | a.TellModel) -> None:
        """Say this to the session that is there; without one it is dropped."""
        live = self.live
        if live is None:
            return
        match what:
            case a.RequestGreeting():
                live.make_speak_first()
            case a.GoOn(text):
                live.go_on(text)
            case a.AnswerTools(results):
                live.answer_tools(results)
            case a.TellModel(text):
                live.say_to_model(text)
            case _ as never:
                assert_never(never)

    async def run(self) -> None:
        """Hold sessions until cancelled."""
        while True:
            self._wake.clear()
            if self._wanted is None:
                await self._wake.wait()
                continue
            order, self._wanted = self._wanted, None
            self._holding = asyncio.create_task(self._hold(order), name="model-session")
            try:
                await asyncio.wait((self._holding,))
            finally:
                self._holding.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._holding

    async def _hold(self, order: a.ConnectModel) -> None:
        try:
            await asyncio.sleep(order.delay_ms / 1000 * (1 + JITTER * self._spread()))
            setup = await self._setup_for(order)
            async with self._session(order, setup) as live:
                if order.generation == self._generation:
                    self.live = live
                    self._feed(i.ModelReady(order.generation))
                    await live.run(lambda event: self._take(order.generation, event))
        except NotWanted:
            return
        except MenuUnavailable as error:
            _log.error("menu_unavailable", why=str(error))
            self._take(order.generation, i.ModelClosed("no_menu"))
        except ModelRefused as refused:
            _log.warning("model_refused", reason=refused.reason, kind=type(refused.__cause__).__name__)
            self._take(order.generation, i.ModelClosed(refused.reason))

    @contextlib.asynccontextmanager
    async def _session(self, order: a.ConnectModel, setup: ModelSetup) -> AsyncIterator[LiveLeg]:
        """The session of the leg before, where ``setup`` has its handle and it comes back; else a new one."""
        async with contextlib.AsyncExitStack() as stack:
            live: LiveLeg | None = None
            if setup.handle is not None:
                self._setup = replace(setup, handle=None)  # it is tried once
                attempt = self._model.session(setup, self._uplink, handle=setup.handle, timeout_s=RESUME_S)
                try:
                    live = await stack.enter_async_context(attempt)
                except ModelRefused as refused:
                    _log.warning("model_not_resumed", why=refused.reason)
            if not self._has_begun:
                self._has_begun = True
                self._on_first(live is not None)
            if live is None:
                timeout_s = order.timeout_ms / 1000
                session = self._model.session(setup, self._uplink, handle=order.handle, timeout_s=timeout_s)
                live = await stack.enter_async_context(session)
            yield live

    def _take(self, generation: int, event: i.Input) -> None:
        """What a session says, unless another one was ordered meanwhile."""
        if generation != self._generation:
            return
        if isinstance(event, i.ModelClosed):
            self.live = None
            event = i.ModelClosed(event.reason, generation)
        self._feed(event)

    async def _setup_for(self, order: a.ConnectModel) -> ModelSetup:
        if self._setup is None:
            self._setup = await self._first_setup()
        if order.seed is None:
            return self._setup
        as_history = order.handle is None and self._model.has_history
        return within_call(self._setup, order.seed, as_history=as_history)
