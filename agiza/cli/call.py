"""One simulated telephone call into a running system, and what it came to.

Where the system was given an exchange, the call's carrier joins it: then calls can be placed and ended by REST, and a
caller who has to be rung back is waited for.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis.asyncio as redis

from agiza.cli.errors import CliError
from agiza.cli.result import CallResult, Endpoints, read_result
from agiza.contracts.streams import session_turns_key
from agiza.domain.menu import BranchFile
from simulators.carrier.caller import Caller, CallerError, WavCaller
from simulators.carrier.carrier import Carrier
from simulators.carrier.exchange import Exchange
from simulators.carrier.record import CallRecord
from simulators.carrier.scripted import TEXT_MANNERS, AgentWords, Manners, ScriptedCaller
from simulators.carrier.settings import CarrierSettings, CustomerAnswers, StaffAnswers, StreamEnd, Voice

CALL_SECONDS_MAX = 600.0
REDIS_TIMEOUT_S = 2.0
PATIENCE_MS = 20_000
"""A caller hangs up after so much silence: more than a person, since a busy machine may think for long."""
RING_BACK_S = 90.0
"""After the caller's line is down, a person who was promised is waited for this long."""
RING_BACK_POLL_S = 0.5
_ON_THE_WAY = frozenset({"requested", "leaving", "callback"})
"""States of a hand-off whose caller is still to be brought to a person."""

WordsOfCall = Callable[[str], Callable[[], Awaitable[Sequence[AgentWords]]]]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """Who calls where, and what they say. Either ``say`` or ``wav``.

    ``text`` sends the words as marked PCM: quick, and understood by the simulators only. ``reading`` is how the
    carrier behaves when our side closes the media socket.
    """

    branch: BranchFile
    say: Sequence[str] = ()
    wav: Path | None = None
    text: bool = False
    from_number: str = "+254711000001"
    record_folder: Path | None = None
    reading: StreamEnd = StreamEnd.ASK_VOICE_URL
    call_id: str = field(default_factory=lambda: f"HD_{secrets.token_hex(8)}")


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """The call as the carrier saw it and as the services recorded it; ``rung_back`` are the calls placed for it."""

    record: CallRecord
    result: CallResult
    rung_back: Sequence[CallRecord] = ()

    @property
    def staff_reached(self) -> list[str]:
        """The numbers of the people who talked with the caller: on this call, or on one that was placed for them."""
        met = [each.number for room in self.record.rooms for each in room.met if each.heard_ms]
        back = [
            call.to_number
            for call in self.rung_back
            if any(dial.number == self.record.from_number and dial.answered_ms is not None for dial in call.dials)
        ]
        return [*self.record.staff_reached, *met, *back]


@dataclass(frozen=True, slots=True)
class Line:
    """Where calls go: the application's voice URL, and where its results and live transcripts are read."""

    voice_url: str
    endpoints: Endpoints
    redis_url: str


async def place_call(
    line: Line, request: CallRequest, voice: Voice | None, exchange: Exchange | None = None
) -> PlacedCall:
    """Make the call and wait for its end. ``voice`` speaks for the caller and for the carrier's Say.

    With the ``exchange`` at which the system places its calls, also for the end of those. Raises :class:`CliError` for
    an unreadable recording or when the application answers nothing.
    """
    client: redis.Redis = redis.Redis.from_url(
        line.redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )
    words = _transcript(client, request.call_id)
    carrier = Carrier(_carrier_settings(line, request, voice, words))
    if exchange is not None:
        exchange.join(carrier)
    try:
        caller = _caller(request, voice, words)
        record = await carrier.call(
            caller, request.from_number, request.branch.branch.phone, session_id=request.call_id
        )
        if exchange is not None and record.answered_ms is not None:
            await _until_rung_back(line, request.call_id, carrier)
    except CallerError as error:
        raise CliError(str(error)) from None
    finally:
        if exchange is not None:
            exchange.leave(carrier)
        await carrier.aclose()
        await client.aclose()
    if record.answered_ms is None and record.ended_by in {"carrier_message", None}:
        first = record.posts[0].error if record.posts else "nothing was posted"
        raise CliError(f"the call was not answered by {_place(line.voice_url)}: {first}")
    placed = [one for one in carrier.records if one.direction == "outbound"]
    return PlacedCall(record, await read_result(line.endpoints, request.call_id), placed)


async def _until_rung_back(line: Line, call_id: str, carrier: Carrier) -> None:
    """Until nobody is on the way to the caller any more, and no placed call is live."""
    deadline = time.monotonic() + RING_BACK_S
    while time.monotonic() < deadline:
        handoff = (await read_result(line.endpoints, call_id)).handoff
        live = [one for one in carrier.calls.values() if not one.over.is_set()]
        if not live and (handoff is None or handoff["state"] not in _ON_THE_WAY):
            return
        await asyncio.sleep(RING_BACK_POLL_S)


def _carrier_settings(
    line: Line, request: CallRequest, voice: Voice | None, words: Callable[[], Awaitable[Sequence[AgentWords]]]
) -> CarrierSettings:
    back = CustomerAnswers(lambda: _caller(request, voice, words))
    if request.record_folder is not None:
        request.record_folder.mkdir(parents=True, exist_ok=True)
    return CarrierSettings(
        voice_url=line.voice_url,
        our_numbers=frozenset({request.branch.branch.phone}),
        staff={
            contact.phone: StaffAnswers(says=f"Hello, this is the {contact.name} of {request.branch.branch.name}.")
            for contact in request.branch.contacts
        },
        customers={request.from_number: back} if request.from_number else {},
        stream_end=request.reading,
        voice=voice,
        record_dir=request.record_folder,
        call_limit_s=CALL_SECONDS_MAX,
    )


def _caller(request: CallRequest, voice: Voice | None, words: Callable[[], Awaitable[Sequence[AgentWords]]]) -> Caller:
    if request.wav is not None:
        return WavCaller(request.wav)
    manners = TEXT_MANNERS if request.text else Manners()
    patient = replace(manners, hang_up_after_ms=PATIENCE_MS)
    return ScriptedCaller(request.say, voice=voice, agent_words=words, text_mode=request.text, manners=patient)


def _transcript(client: redis.Redis, call_id: str) -> Callable[[], Awaitable[Sequence[AgentWords]]]:
    """The agent's side of the live transcript that the bridge keeps in the call's session record."""

    async def words() -> Sequence[AgentWords]:
        try:
            lines: list[str] = await client.lrange(session_turns_key(call_id), 0, -1)  # type: ignore[misc]
        except redis.RedisError:
            return ()
        turns = [json.loads(text) for text in lines]
        return [AgentWords(turn["text"], turn["at_ms"] / 1000) for turn in turns if turn["who"] == "agent"]

    return words


def _place(url: str) -> str:
    """The host of a URL: its path holds a secret."""
    return "/".join(url.split("/")[:3])


def seconds_since(began: float) -> float:
    """Wall seconds since this ``time.monotonic()``."""
    return time.monotonic() - began
