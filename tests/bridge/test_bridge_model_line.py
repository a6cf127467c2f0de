"""The driver's side of several model sessions: never two at once, the newest order counts, old ones are not heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from bridge_world import until

from agiza.runtime.metrics import Metrics
from services.bridge.legs import live_leg
from services.bridge.legs.live_model import ModelRefused
from services.bridge.legs.live_setup import ModelSetup
from services.bridge.legs.uplink import Uplink
from services.bridge.menu_cache import MenuUnavailable
from services.bridge.model_line import ModelLine
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.said import Said
from services.bridge.session.seed import Seed

SETUP = ModelSetup("You take orders.", (), "[Say: hello]")


class Leg:
    """A model session whose goodbye takes a moment."""

    def __init__(self, number: int, log: list[str]) -> None:
        self._name = f"{number}"
        self._log = log
        self.said: asyncio.Queue[i.Input] = asyncio.Queue()

    async def run(self, take: Any) -> None:
        try:
            while True:
                event = await self.said.get()
                take(event)
                if isinstance(event, i.ModelClosed):
                    return
        finally:
            await asyncio.sleep(0.02)
            self._log.append(f"closed {self._name}")


class Model:
    """What the line dials. ``refusals`` are the words of the next attempts that fail."""

    has_history = True

    def __init__(self) -> None:
        self.log: list[str] = []
        self.legs: list[Leg] = []
        self.setups: list[ModelSetup] = []
        self.handles: list[str | None] = []
        self.refusals: list[str] = []

    @contextlib.asynccontextmanager
    async def session(
        self, setup: ModelSetup, uplink: Uplink, *, handle: str | None, timeout_s: float
    ) -> AsyncIterator[Leg]:
        self.log.append("dialled")
        if self.refusals:
            raise ModelRefused(self.refusals.pop(0))
        self.setups.append(setup)
        self.handles.append(handle)
        self.legs.append(Leg(len(self.legs) + 1, self.log))
        yield self.legs[-1]


class Site:
    """A line that runs, and what it has fed to its session."""

    def __init__(self) -> None:
        self.model = Model()
        self.fed: list[i.Input] = []
        self.menus_missing = 0
        self.line = ModelLine(
            self.model,  # type: ignore[arg-type]
            Uplink(Metrics()),
            self.fed.append,
            self._setup,
            spread=lambda: 1.0,
            on_first=lambda _is_resumed: None,
        )

    async def _setup(self) -> ModelSetup:
        if self.menus_missing:
            self.menus_missing -= 1
            raise MenuUnavailable("no menu")
        return SETUP


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    running = asyncio.create_task(site.line.run())
    yield site
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def ready(site: Site, generation: int) -> None:
    await until(lambda: i.ModelReady(generation) in site.fed, 5)


async def test_the_old_session_is_closed_before_the_next_one_is_dialled(site: Site) -> None:
    site.line.connect(a.ConnectModel(1))
    await ready(site, 1)
    site.line.close()
    site.line.connect(a.ConnectModel(2, "h1", Seed()))
    assert site.line.live is None
    await ready(site, 2)
    assert site.model.log == ["dialled", "closed 1", "dialled"]
    assert site.model.handles == [None, "h1"]
    assert site.line.live is site.model.legs[1]


async def test_a_session_that_was_left_is_not_heard_any_more(site: Site) -> None:
    site.line.connect(a.ConnectModel(1))
    await ready(site, 1)
    first = site.model.legs[0]
    first.said.put_nowait(i.TurnCompleted())
    await until(lambda: i.TurnCompleted() in site.fed, 5)
    site.line._take(1, i.GenerationCompleted())
    site.line.close()
    site.line.connect(a.ConnectModel(2))
    site.line._take(1, i.ModelInterrupted())
    await ready(site, 2)
    assert site.fed == [i.ModelReady(1), i.TurnCompleted(), i.GenerationCompleted(), i.ModelReady(2)]


async def test_a_loss_names_its_session(site: Site) -> None:
    site.line.connect(a.ConnectModel(3))
    await ready(site, 3)
    site.model.legs[0].said.put_nowait(i.ModelClosed("closed_1011"))
    await until(lambda: i.ModelClosed("closed_1011", 3) in site.fed, 5)
    assert site.line.live is None


async def test_a_refusal_and_a_missing_menu_are_losses_too(site: Site) -> None:
    site.model.refusals.append("refused_429")
    site.line.connect(a.ConnectModel(1))
    await until(lambda: i.ModelClosed("refused_429", 1) in site.fed, 5)
    site.menus_missing = 0
    site.line.connect(a.ConnectModel(2))
    await ready(site, 2)


async def test_the_setup_is_asked_for_until_there_is_one() -> None:
    site = Site()
    site.menus_missing = 1
    running = asyncio.create_task(site.line.run())
    site.line.connect(a.ConnectModel(1))
    await until(lambda: i.ModelClosed("no_menu", 1) in site.fed, 5)
    site.line.connect(a.ConnectModel(2))
    await ready(site, 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_order_that_is_taken_back_is_not_carried_out(site: Site) -> None:
    site.line.connect(a.ConnectModel(1, delay_ms=60_000))
    await asyncio.sleep(0.01)
    site.line.close()
    site.line.connect(a.ConnectModel(2))
    await ready(site, 2)
    assert site.model.log == ["dialled"], "the first one was never dialled"


async def test_a_session_with_a_seed_is_told_of_the_call(site: Site) -> None:
    seed = Seed((Said("agent", "hello"),), (), {"lines": ["tea"]}, 4)
    site.line.connect(a.ConnectModel(2, None, seed))
    await ready(site, 2)
    assert site.model.setups[0].history == (("model", "hello"),)
    assert "tea" in site.model.setups[0].instruction


async def test_a_server_that_does_not_answer_the_goodbye_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    aborted = asyncio.Event()

    class Deaf:
        async def close(self) -> None:
            await asyncio.Event().wait()

    socket = SimpleNamespace(transport=SimpleNamespace(abort=aborted.set))
    monkeypatch.setattr(live_leg, "CLOSE_S", 0.01)
    leg = live_leg.LiveLeg(Deaf(), socket, Uplink(Metrics()), "", Metrics())  # type: ignore[arg-type]
    await leg._close()
    assert aborted.is_set()
