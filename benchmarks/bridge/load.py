"""Both ends of N calls in one process on one core: the callers, the model, and the beat that drives them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from benchmarks.bridge.caller import Caller
from benchmarks.bridge.gauge import FRAME_MS, Gauge
from benchmarks.bridge.model import ModelConnection
from benchmarks.bridge.sound import TICK_MS
from benchmarks.bridge.wire import Broken

CALLS_PER_S: Final = 25.0
"""New calls begin at this rate, so that their utterances are spread over time."""
OPEN_S: Final = 20.0
SET_UP_S: Final = 20.0
"""For the first words of the model to every new call, with an utterance every four seconds."""
HANG_UP_S: Final = 5.0
HOST: Final = "127.0.0.1"


class Load:
    """Callers against a bridge at :attr:`port`. :meth:`bring_to` changes how many; :attr:`gauge` has what they saw.

    ``path`` is asked for each new call; ``make_caller`` gets its number, ``make_model`` all callers by number.
    """

    def __init__(
        self,
        path: Callable[[], str],
        make_caller: Callable[[int, Gauge], Caller],
        make_model: Callable[[Mapping[int, Caller], Gauge], ModelConnection],
    ) -> None:
        self.gauge = Gauge()
        self.model_port = 0
        self._path = path
        self.port = 0
        self._make_caller = make_caller
        self._make_model = make_model
        self._callers: dict[int, Caller] = {}
        # Spread over the milliseconds of a frame and of a tick, as independent telephones and models are.
        self._caller_slots: list[list[Caller]] = [[] for _ in range(FRAME_MS)]
        self._model_slots: list[list[ModelConnection]] = [[] for _ in range(TICK_MS)]
        self._dialled = self._answered = 0
        self._loop = asyncio.get_running_loop()
        self._beating: asyncio.TimerHandle | None = None
        self._began, self._slot = 0.0, 0

    @property
    def calls(self) -> int:
        """Calls that are open."""
        return sum(not caller.closed.is_set() for caller in self._callers.values())

    @contextlib.asynccontextmanager
    async def running(self, tls: ssl.SSLContext) -> AsyncIterator[None]:
        """Serve the model at :attr:`model_port`, and keep the beat. Garbage is collected between windows only."""
        server = await self._loop.create_server(self._connected, HOST, 0, ssl=tls)
        self.model_port = server.sockets[0].getsockname()[1]
        self._began, self._slot = time.perf_counter(), 0
        self._beat()
        gc.collect()
        gc.freeze()  # what is loaded stays; collecting the rest between windows is then a matter of microseconds
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            gc.unfreeze()
            await self.bring_to(0)
            if self._beating is not None:
                self._beating.cancel()
            server.close()

    async def bring_to(self, calls: int) -> None:
        """Dial, or hang up the newest, until there are so many, and every call's model has heard and spoken."""
        while len(self._callers) < calls:
            caller = self._make_caller(self._dialled, self.gauge)
            self._callers[caller.index] = caller
            self._caller_slots[caller.index % FRAME_MS].append(caller)
            self._dialled += 1
            try:
                async with asyncio.timeout(OPEN_S):
                    await caller.dial(HOST, self.port, self._path())
            except (Broken, TimeoutError):  # it has more than it can carry: one call less
                caller.closed.set()
            await asyncio.sleep(1 / CALLS_PER_S)
        with contextlib.suppress(TimeoutError):  # what is not set up by then is counted as lost
            async with asyncio.timeout(SET_UP_S):
                while not all(each.is_listening or each.closed.is_set() for each in self._callers.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        leaving = [self._callers.pop(index) for index in list(self._callers)[calls:]]
        for caller in leaving:
            self._caller_slots[caller.index % FRAME_MS].remove(caller)
            caller.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                for caller in leaving:
                    await caller.closed.wait()

    async def window(self, seconds: float) -> Gauge:
        """What happens in the next ``seconds``; the gauge is this window's until the next one begins."""
        gc.collect()
        self.gauge.reset()
        await asyncio.sleep(seconds)
        return self.gauge

    def _connected(self) -> ModelConnection:
        connection = self._make_model(self._callers, self.gauge)
        self._model_slots[self._answered % TICK_MS].append(connection)
        self._answered += 1
        return connection

    def _beat(self) -> None:
        """Once in a millisecond, those whose turn it is. A beat that comes late makes up for what it missed."""
        now = time.perf_counter()
        while (due := self._began + self._slot / 1000) <= now:
            self.gauge.late.append(now - due)
            for caller in self._caller_slots[self._slot % FRAME_MS]:
                caller.step()
            for model in self._model_slots[self._slot % TICK_MS]:
                model.step(now)
            self._slot += 1
        self._beating = self._loop.call_later(max(0.001, due - time.perf_counter()), self._beat)
