"""One turn of the model on the wire.

    modelTurn* -> generationComplete -> (what is left to play) -> turnComplete + usageMetadata
    interrupted -> toolCallCancellation? -> turnComplete + usageMetadata        (no generationComplete)

Audio leaves faster than real time, in parts of 2, 2,400, 7,680, 9,600 and then 15,360 bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeVar

import numpy as np

from simulators.live_api import replies
from simulators.live_api.casing import JsonObject
from simulators.live_api.context import text_tokens, usage_metadata
from simulators.live_api.protocol import OUTPUT_RATE
from simulators.live_api.record import SpokenText
from simulators.live_api.stage import Stage, TurnInterrupted

_PART_BYTES = (2, 2_400, 7_680, 9_600)
_PART_BYTES_LATER = 15_360
_BYTES_PER_S = OUTPUT_RATE * 2
_GENERATION_SPEED = 4.0  # seconds of audio made per second
_TRANSCRIPT_AHEAD_S = 0.5
_NEAR_SILENT_DIVISOR = 8_192
T = TypeVar("T")

_FRAGMENT = re.compile(r"\s*\S+(?:\s+\S{1,3}(?=\s|$))?")


class ModelTurn:
    """Begin with the first output; after `interrupt` every further step raises TurnInterrupted."""

    def __init__(self, stage: Stage, on_settled: Callable[[], None]) -> None:
        self._stage = stage
        self._on_settled = on_settled
        self._begun = False
        self._kind: str | None = None
        self._cut = asyncio.Event()
        self._cancelled: tuple[str, ...] = ()
        self._sizes = itertools.chain(_PART_BYTES, itertools.repeat(_PART_BYTES_LATER))
        self._sent_s = 0.0
        self._generated_at = 0.0
        self._played_until = 0.0
        self._segments: list[tuple[float, float, str]] = []
        self._transcript = ""
        self._late: list[JsonObject] = []
        self._tool_tokens = 0
        self._spoken_text = ""
        self.over = False

    @property
    def interrupted(self) -> bool:
        return self._cut.is_set()

    def begin(self) -> None:
        """Mark the turn as visible on the wire; the session cannot be resumed from inside it."""
        if self._begun:
            return
        self._begun = True
        if self._stage.setup.resumption:
            self._stage.outbox.put(replies.resumption_update(None))
        if self._stage.setup.model.reports_status:
            self._stage.outbox.put(replies.interaction_status("IN_PROGRESS"))

    async def ready(self) -> None:
        """Wait while the session is stalled. Raises TurnInterrupted."""
        if self._stage.flowing.is_set():
            self.check()
        else:
            await self.race(self._stage.flowing.wait())

    async def race(self, work: Coroutine[object, object, T]) -> T:
        """The result of `work`, unless the turn is interrupted first: then it is cancelled and this raises."""
        task = asyncio.ensure_future(work)
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({task, cut}, return_when=asyncio.FIRST_COMPLETED)
            self.check()
            return task.result()
        finally:
            for pending in (task, cut):
                pending.cancel()

    def check(self) -> None:
        if self._cut.is_set():
            raise TurnInterrupted(self._spoken_text, self._cancelled)

    async def speak(self, pcm: bytes, text: str) -> None:
        """Send 24 kHz audio and its transcription. Returns when the last part is queued, before it is played."""
        await self.ready()
        self.begin()
        if self._kind is None:
            self._kind = self._take_kind()
        if self._kind in ("empty", "rejected"):
            return
        if self._kind == "near_silent":
            pcm = (np.frombuffer(pcm, dtype="<i2") // _NEAR_SILENT_DIVISOR).astype("<i2").tobytes()
        lead = " " if self._transcript else ""
        fragments = _FRAGMENT.findall(lead + text)
        told, sent = 0, 0
        for parts in self._bundles(pcm):
            await self._stage.outbox.room()
            await self._pace()
            self.check()
            first = not sent
            sent += sum(len(part) for part in parts)
            # The transcript runs a little ahead of the audio.
            share = (sent + _TRANSCRIPT_AHEAD_S * _BYTES_PER_S) / len(pcm)
            due = min(len(fragments), round(len(fragments) * share))
            self._send(parts, "".join(fragments[told:due]), len(pcm), text, first=first)
            told = max(told, due)
        self._tell("".join(fragments[told:]))

    def note_tool(self, text: str) -> None:
        """Count a function call or its response as tool-use tokens of this turn."""
        self._tool_tokens += text_tokens(text)

    def send(self, message: JsonObject) -> None:
        self.check()
        self.begin()
        self._stage.outbox.put(message)

    async def finish(self, *, waiting_for_calls: bool = False) -> None:
        """Close the turn in the right order, waiting for what is left to play. Raises TurnInterrupted."""
        await self.ready()
        if not self._begun:
            self.over = True
            return
        stage = self._stage
        if self._kind != "rejected":
            stage.outbox.put(replies.generation_complete(), speech=True)
        if stage.faults.phantom_interrupted == "before_turn_complete":
            stage.faults.phantom_interrupted = None
            self.interrupt(())
            self.check()
        await stage.clock.wait(self._cut, self._played_until - stage.clock.now())
        self.check()
        self._settle(interrupted=False, waiting_for_calls=waiting_for_calls)
        if stage.faults.phantom_interrupted == "after_turn_complete":
            stage.faults.phantom_interrupted = None
            stage.outbox.put(replies.interrupted())

    def interrupt(self, cancelled: tuple[str, ...], *, announced: bool = True) -> None:
        """End the turn now. `announced=False`: without the `interrupted` message, as when only calls are withdrawn."""
        if self.over:
            return
        self._cancelled = cancelled
        # What was heard is decided now, not when the brain gets round to asking.
        self._spoken_text = self._spoken(self._stage.clock.now())
        self._cut.set()
        self._stage.outbox.take_back_speech()
        if not self._begun:
            self.over = True
            return
        if announced:
            self._stage.outbox.put(replies.interrupted())
        if cancelled:
            self._stage.outbox.put(replies.tool_call_cancellation(cancelled))
        self._settle(interrupted=True, waiting_for_calls=False)

    def _settle(self, *, interrupted: bool, waiting_for_calls: bool) -> None:
        stage = self._stage
        self.over = True
        usage = usage_metadata(
            stage.setup,
            stage.context,
            response_audio_s=self._sent_s,
            tool_tokens=self._tool_tokens,
            details=not stage.faults.usage_without_details,
        )
        stage.context.audio_s += self._sent_s
        if self._transcript:
            stage.context.add("model", self._transcript)
            stage.record.transcript.append(SpokenText("agent", self._transcript, interrupted))
        stage.record.audio_out_s += self._sent_s
        stage.record.interruptions += interrupted
        stage.record.usage.append(usage)
        status = None
        if stage.setup.model.reports_status:
            status = "IN_PROGRESS" if waiting_for_calls else "IDLE"
        reason = "RESPONSE_REJECTED" if self._kind == "rejected" else None
        stage.outbox.put(replies.turn_complete(usage, reason=reason, interaction_status=status))
        for message in self._late:
            stage.outbox.put(message)
        self._on_settled()

    def _take_kind(self) -> str:
        faults = self._stage.faults
        for kind in ("empty", "near_silent", "rejected"):
            left = getattr(faults, f"{kind}_turns")
            if left:
                setattr(faults, f"{kind}_turns", left - 1)
                return kind
        return "normal"

    def _bundles(self, pcm: bytes) -> Iterator[list[bytes]]:
        """The parts of each message: one, or three with the fault on, or all in a message too big for many clients."""
        faults = self._stage.faults
        if faults.huge_message_bytes:
            yield [pcm.ljust(faults.huge_message_bytes // 2 * 2, b"\0")]
            faults.huge_message_bytes = 0
            return
        parts: list[bytes] = []
        at = 0
        while at < len(pcm):
            size = next(self._sizes)
            parts.append(pcm[at : at + size])
            at += size
        step = 3 if faults.bundled_parts else 1
        for first in range(0, len(parts), step):
            yield parts[first : first + step]

    async def _pace(self) -> None:
        stage = self._stage
        now = stage.clock.now()
        if not self._sent_s:
            self._generated_at = now
        if not stage.faults.burst_delivery:
            await stage.clock.wait(self._cut, self._generated_at + self._sent_s / _GENERATION_SPEED - now)

    def _send(self, parts: list[bytes], transcript: str, total_bytes: int, text: str, *, first: bool) -> None:
        stage = self._stage
        message = replies.model_turn([replies.audio_part(part) for part in parts])
        if stage.faults.bundled_parts and transcript and self._tells:
            message["serverContent"].update(replies.output_transcription(transcript)["serverContent"])
            self._transcript += transcript
        else:
            self._tell(transcript)
        stage.outbox.put(message, speech=True)
        length_s = sum(len(part) for part in parts) / _BYTES_PER_S
        start_s = max(stage.clock.now(), self._played_until)
        self._played_until = start_s + length_s
        self._sent_s += length_s
        if first:
            self._segments.append((start_s, start_s + total_bytes / _BYTES_PER_S, text))

    @property
    def _tells(self) -> bool:
        return self._stage.setup.transcribes_output and not self._stage.faults.late_transcripts

    def _tell(self, fragment: str) -> None:
        self._transcript += fragment
        if not fragment or not self._stage.setup.transcribes_output:
            return
        message = replies.output_transcription(fragment)
        if self._tells:
            self._stage.outbox.put(message, speech=True)
        else:
            self._late.append(message)

    def _spoken(self, now_s: float) -> str:
        """The words of the audio that a client playing in real time has got through."""
        spoken: list[str] = []
        for start_s, end_s, text in self._segments:
            share = (now_s - start_s) / max(end_s - start_s, 1e-6)
            words = text.split()
            spoken += words[: max(0, min(len(words), int(len(words) * share)))]
        return " ".join(spoken)
