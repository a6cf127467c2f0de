"""Everything that can be made to go wrong, as typed switches.

A session starts with a copy of the server's faults (or of the ones queued for it) and a script may change its copy
on the way. Switches named `..._turns` count down: they spoil that many turns from the moment they are set.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Moment = Literal["user_turn", "tool_response", "interrupted"]


class _Switches(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Close(_Switches):
    """Close the websocket so long after setupComplete."""

    after_ms: int = Field(default=0, ge=0)
    code: int = Field(default=1011, ge=1000, le=4999)
    reason: str = "Internal error encountered."


class GoAway(_Switches):
    """Announce the end so long after setupComplete, then close with 1011 when the announced time is over.

    `silent`: nothing at all is sent between the announcement and the close.
    """

    after_ms: int = Field(default=0, ge=0)
    time_left_ms: int = Field(default=50_000, ge=0)
    silent: bool = False


class Faults(_Switches):
    # connection
    reject_upgrade_status: int | None = Field(default=None, ge=400, le=599)
    setup_never: bool = False
    setup_delay_ms: int = Field(default=0, ge=0)
    close: Close | None = None
    go_away: GoAway | None = None
    tcp_reset_after_ms: int | None = Field(default=None, ge=0)
    slow_pong_ms: int = Field(default=0, ge=0)
    refuse_handle: bool = False
    ignore_handle: bool = False
    # silence
    stall_after: frozenset[Moment] = frozenset()
    stall_ends: Literal["never", "on_content"] = "never"
    empty_turns: int = Field(default=0, ge=0)
    near_silent_turns: int = Field(default=0, ge=0)
    rejected_turns: int = Field(default=0, ge=0)
    unyielding: bool = False
    phantom_interrupted: Literal["before_turn_complete", "after_turn_complete"] | None = None
    # tool calls
    duplicate_tool_call: bool = False
    function_call_in_model_turn: bool = False
    repeat_calls: int = Field(default=0, ge=0, le=5)
    cancel_call: Literal["at_once", "while_running", "after_response"] | None = None
    cancel_after_ms: int = Field(default=300, ge=0)
    trailing_audio_ms: int = Field(default=0, ge=0)
    empty_turn_after_tool_response: bool = False
    # shape of messages
    late_transcripts: bool = False
    unknown_field: bool = False
    unknown_enum: bool = False
    unknown_message: bool = False
    huge_message_bytes: int = Field(default=0, ge=0)
    burst_delivery: bool = False
    bundled_parts: bool = False
    text_frames: bool = False
    usage_without_details: bool = False
