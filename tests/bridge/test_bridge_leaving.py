"""How a stream is left for a person: nothing of the sentence is cut at the carrier, and nobody waits behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from bridge_world import Line, World, open_world, until

from agiza.contracts.events import CallEnded
from simulators.carrier.playback import Playback
from simulators.speech.marked import encode

pytestmark = pytest.mark.integration

SENTENCE = "I am putting you through to a member of our team now. Please stay on the line."
STEPS: list[object] = [
    "wait_for_prompt",
    {"say": "Hello, what would you like?"},
    {"wait_for_text": "person"},
    {"call": {"name": "escalate", "args": {"reason": "caller_asked", "summary": "Wants a person."}}},
    {"wait_for_result": "escalate"},
    {"say": SENTENCE},
]
FRAME_S = 0.02
LOUD = 500


class PlayedLine(Line):
    """A line whose carrier plays as jambonz does, frame by frame, until its socket is closed."""

    def __init__(self, line: Line) -> None:
        self.__dict__ = line.__dict__
        self.playback = Playback()
        self.played = bytearray()
        self.taken = 0
        self.closed_at = 0.0
        self._tasks.append(asyncio.create_task(self._play()))

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        closed = asyncio.create_task(self.socket.wait_closed())
        closed.add_done_callback(lambda _: setattr(self, "closed_at", loop.time()))
        while not closed.done():
            self.playback.receive(bytes(self.heard[self.taken :]))
            self.taken = len(self.heard)
            self.played += self.playback.tick().pcm
            due += FRAME_S
            await asyncio.wait((closed,), timeout=max(0.0, due - loop.time()))


@dataclass(frozen=True)
class Leaving:
    """``late_ms``: from the request for a person to the closed socket, without the sentence itself."""

    late_ms: float
    cut_ms: float
    ended: CallEnded


async def leave(world: World) -> Leaving:
    """One call that asks for a person."""
    before = len(world.around.asked), len(world.around.of_type(CallEnded))
    line = PlayedLine(await world.call())
    await line.until_heard("what would you like")
    line.say("a person please")
    await until(lambda: len(world.around.asked) > before[0])
    asked_at = asyncio.get_running_loop().time()
    await line.until_closed()
    await until(lambda: bool(line.closed_at) and len(world.around.of_type(CallEnded)) > before[1])
    sentence_ms = len(encode(SENTENCE, 16_000)) / 32
    with contextlib.suppress(ValueError):
        world.lines.remove(line)
    cut_ms = (_loud(line.heard) - _loud(line.played)) / 16
    late_ms = (line.closed_at - asked_at) * 1000 - sentence_ms
    await line.stop()
    return Leaving(late_ms, cut_ms, world.around.of_type(CallEnded)[before[1]])


def _loud(pcm: bytes | bytearray) -> int:
    samples = np.frombuffer(bytes(pcm[: len(pcm) & ~1]), "<i2").astype(np.int32)
    return int((np.abs(samples) > LOUD).sum())


async def test_the_sentence_is_played_to_its_end_and_not_waited_behind(
    redis_url: str, redis_urls: Mapping[str, str]
) -> None:
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        leaving = await leave(world)
        assert leaving.ended.outcome == "handoff"
        assert leaving.cut_ms == 0, "the carrier had played all that it was sent"
        (waited_ms,) = leaving.ended.latencies_ms["handoff_leave"]
        assert waited_ms >= 250
        assert world.process.metrics.observations("handoff_leave_seconds") == 1
