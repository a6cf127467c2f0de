"""What a session knows of its call from the start, and the limits it keeps. Times are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HANDLE_AGE_MS: Final = 2 * 60 * 60_000 - 5 * 60_000
"""So long after it was given a resumption handle is used, by the same leg or one that takes over. The Developer API,
the only one we talk to, takes a handle for two hours after its session ended (ai.google.dev, Live API, session
management); Vertex' page says both 24 hours and ten minutes. One that is refused all the same costs an attempt."""


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
    handoff_stay_ms: int = 150_000
    """So long a person is rung while the agent goes on; then the stream is left, so that the carrier dials."""
    handoff_join_ms: int = 3_000
    """Somebody has picked up and waits: the stream is left at the latest after this, whatever the agent says."""
    handoff_tail_ms: int = 250
    """As ``close_tail_ms``, before a hand-off, where nobody is rung before the socket is closed: a first lump that the
    pacer waited for (60 ms), a tick of the carrier (20 ms), and the rest for packets that were late."""
    nudge_ms: int = 5_000
    """The caller has spoken and the model does nothing: it is reminded once."""
    stuck_ms: int = 8_000
    """It still does nothing: the caller needs a person."""
    failed_nudge_ms: int = 1_500
    """After a turn in which nothing could be heard the model is reminded so soon: some add a turn by themselves."""
    phantom_nudge_ms: int = 2_000
    """As above, after an interruption in which nobody was interrupted."""
    unheard_nudge_ms: int = 3_000
    """The caller spoke before the agent was ever heard, and the model does nothing: a hello cut its greeting off."""
    cue_ms: int = 3_000
    """A caller who waits for the agent hears a cue after so much silence. No silence above 5 s may be heard: what
    the carrier and our own voice detector add lies between, and the time until a second cue."""
    cue_again_ms: int = 4_000
    """And another one after so much silence behind it."""
    tool_cue_ms: int = 1_300
    """The first cue comes sooner while ``orders`` is waited for: whoever asked for something expects a yes."""
    cue_after_voice_ms: int = 500
    """No cue sooner after the caller's voice."""
    cue_distance_ms: int = 2_500
    """No cue sooner behind another one, except those that say that the call moves on."""
    handoff_cue_ms: int = 2_500
    """A person will take over and the model does not say so: a cue says it."""
    caller_silent_ms: int = 9_000
    """It is the caller's turn and they say nothing: they are asked twice if they are there, then taken leave of."""
    quiet_head_ms: int = 300
    """So much of the quiet audio before a turn's first word is played with it."""
    quiet_audio_ms: int = 1_500
    """A pause within a turn is played so long."""
    stuck_voice_ms: int = 300
    """Less voice than this is a cough or a "mhm" and need not be answered."""
    misses_max: int = 3
    """So many misunderstandings in a row, and a person is asked for."""
    repeats_max: int = 8
    """A model that calls a function with the same arguments more often than this, without a word of the caller
    between, and changes the cart each time or gets the same answer, does not come out of it by itself."""
    close_tail_ms: int = 400
    """Between the last sample by our clock and the closing of the socket: the carrier plays a little later."""
    farewell_quiet_ms: int = 1_500
    farewell_ms: int = 10_000
    stale_audio_ms: int = 3_000
    """After an interruption, audio of the old turn is dropped until its end is announced, but no longer than this."""
    echo_ms: int = 400
    """So long after the agent's last sound its echo may come back on the line."""
    duck_release_ms: int = 400
    """The caller is silent for so long: the agent's voice comes back."""
    sustained_ms: int = 1_400
    """A caller who talks over the agent for so long, with no longer pause than the next, wants the floor, whatever the
    model makes of it. A "mm-hm" takes 0.3 to 0.6 s, a slow "mhm, okay" 1.3 s."""
    sustained_pause_ms: int = 600
    """As long as the pause at a comma."""
    sustained_reading_ms: int = 2_200
    """The same over a read-back: "yes, that's right" into its last words must not cost one more question."""
    unyielding_ms: int = 1_500
    """The unplayed was dropped, the caller is silent for so long, and the model's turn still goes on: it is told."""
    discarded_ms: int = 15_000
    """Audio of a turn that was dropped so is dropped until the turn's end, but no longer than this."""
    turn_quiet_ms: int = 700
    """A transcript turn is complete when nothing was added for this long."""
    transcript_turns_max: int = 400
    turn_chars_max: int = 4_000
    first_audio_ms: int = 8_000
    """No agent audio at all so long after the stream began: the line goes to a person."""
    caller_frames_ms: int = 10_000
    """The carrier sends frames all the time; none for so long means that the leg is gone."""
    model_setup_ms: int = 6_000
    """Dialling and setting up the first model session; callers hear the telephone ring or nothing meanwhile."""
    model_hop_setup_ms: int = 3_000
    """The same within a call: two attempts must fit into ``model_away_ms``. Setup takes 0.3 s as a rule."""
    model_away_ms: int = 8_000
    """Without a model for so long, all attempts together: the caller needs a person."""
    model_losses_max: int = 3
    model_losses_within_ms: int = 60_000
    """More sessions lost than that within this time, and the caller needs a person."""
    model_sessions_max: int = 40
    """Of one leg, hops and attempts together."""
    model_proven_ms: int = 10_000
    """A session that lived so long, or said anything, worked: the next loss begins a new count."""
    model_age_ms: int = 540_000
    """A connection is closed after ten minutes or so; it is left before that, at a quiet point."""
    model_age_grace_ms: int = 60_000
    model_leave_early_ms: int = 5_000
    """An announced end is not waited for: with no quiet point the session is left so long before."""
    model_drain_ms_min: int = 20
    uplink_kept_ms: int = 1_800
    """Caller audio that waits for a session is kept a little longer than this."""
    model_quiet_ms: int = 700
    """So long nobody has spoken at a quiet point."""
    handle_age_ms: int = HANDLE_AGE_MS
    """Older handles are not used."""
    call_warn_ms: int = 12 * 60_000
    """The model is told that the call has become long."""
    call_ms: int = 15 * 60_000
    """A call that is longer goes to a person."""
