"""What every verb of one call works with: the line, the record, the way to ask and the way to speak."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TypeAlias

from .callbacks import CallFacts
from .events import CallEvents
from .line import Announcement, Line, Nothing
from .media import MediaLink
from .posting import Poster
from .record import CallRecord, EndedBy, Party
from .recorder import Recorder
from .rooms import Rooms
from .settings import CarrierSettings, Voice
from .sounds import LINE_RATE, spoken_tone, to_rate
from .verbs import Document

CARRIER_MESSAGE = "The number you have dialled is not available at the moment."


@dataclass(frozen=True, slots=True)
class NextVerb:
    """Go on with the verb after this one."""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """Forget the rest of this document and run another."""

    verbs: Document


@dataclass(frozen=True, slots=True)
class End:
    by: EndedBy


Step: TypeAlias = NextVerb | NewDocument | End


@dataclass(slots=True)
class Leg:
    settings: CarrierSettings
    facts: CallFacts
    record: CallRecord
    line: Line
    recorder: Recorder
    poster: Poster
    events: CallEvents
    tls: ssl.SSLContext | None
    left_open: list[MediaLink] = field(default_factory=list)
    rooms: Rooms = field(default_factory=Rooms)
    party: Party = "customer"
    """Who the person of this leg is to another leg."""

    async def speak(self, text: str) -> None:
        """Say a sentence into the caller's ear and return when it was heard."""
        await self.play(await self.sound_of(text))

    async def play(self, pcm: bytes) -> None:
        announcement = Announcement(pcm)
        self.line.route = announcement
        try:
            await announcement.finished.wait()
        finally:
            self.line.route = Nothing()

    async def sound_of(self, text: str) -> bytes:
        """A sentence as line sound, in the injected voice or as a tone."""
        return await sound_of(text, self.settings.voice)

    def violation(self, what: str) -> None:
        self.record.violations.append(what)


async def sound_of(text: str, voice: Voice | None) -> bytes:
    if voice is None:
        return spoken_tone(text)
    pcm = await asyncio.to_thread(voice.synthesize, text)
    return await asyncio.to_thread(to_rate, pcm, voice.rate, LINE_RATE)


async def carrier_message(leg: Leg) -> End:
    """No usable answer: the caller hears the carrier's own words and the call ends."""
    await leg.speak(CARRIER_MESSAGE)
    return End("carrier_message")


async def hold(leg: Leg) -> End:
    """Keep the leg in silence until the caller, a limit or the REST interface ends the call."""
    leg.line.route = Nothing()
    await asyncio.Event().wait()
    raise AssertionError("an event nobody sets")
