"""What a session knows of its call from the start, and the limits it keeps. Times are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallFacts:
    """From the media token. ``leg_epoch`` rises with each carrier stream of the same call; ``bridge_id`` is the
    replica that holds this one."""

    call_id: str
    branch_id: str
    menu_version: int
    leg_epoch: int = 0
    language: str = "en"
    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each thing may take, and how much of it there may be."""

    tool_http_ms: int = 400
    """No result over the stream: the same event goes over HTTP."""
    tool_pending_ms: int = 2_500
    """Still none: the model is told honestly that nothing is confirmed."""
    tool_given_up_ms: int = 8_000
    """Still none: the caller needs a person."""
    tool_deadline_ms: int = 6_500
    """After this ``orders`` must not apply it. Its clock may differ by a second, and nothing may be applied behind the
    back of a caller who was already told that a person takes over."""
    tool_calls_max: int = 400
    caller_hold_ms: int = 300
    """Caller audio is held this long while a blocking function runs, so that a stray "mhm" does not cancel it."""
    handoff_answer_ms: int = 2_500
    handoff_leave_ms: int = 6_000
    """The bridge leaves the stream this long after it asked for a hand-off, whatever else happened."""
    close_tail_ms: int = 400
    """Between the last sample by our clock and the closing of the socket: the carrier plays a little later."""
    farewell_quiet_ms: int = 1_500
    farewell_ms: int = 10_000
    stale_audio_ms: int = 3_000
    """After an interruption, audio of the old turn is dropped until its end is announced, but no longer than this."""
    turn_quiet_ms: int = 700
    """A transcript turn is complete when nothing was added for this long."""
    transcript_turns_max: int = 400
    turn_chars_max: int = 4_000
    first_audio_ms: int = 8_000
    """No agent audio at all so long after the stream began: the line goes to a person."""
    caller_frames_ms: int = 10_000
    """The carrier sends frames all the time; none for so long means that the leg is gone."""
    call_ms: int = 15 * 60_000
    """A call that is longer goes to a person."""
