"""What another replica would need to go on with this leg, whenever it changes: for the call's record.

How much of the agent's last words was heard cannot be told by a bridge that died. What is written while they play is
their length and when they will have been played; who takes over knows when the bridge was last seen.
"""

from __future__ import annotations

from services.bridge.session import inputs as i
from services.bridge.session.state import LegState

_SILENT_ABOUT = (i.CallerAudio, i.CallerSpoke, i.ModelAudio, i.UsageReported)
"""They come many times a second, or say nothing that matters here."""


class RecordFields:
    """Follows one leg and gives the fields of its record that are new. All values are text, times are milliseconds.

    ``saying_ms`` is the length of the agent's newest words and ``saying_until_ms`` when they will have been played,
    counted from the start of the leg; ``heard_ms`` is there once it is known how much of them was.
    """

    def __init__(self) -> None:
        self._saved: dict[str, str] = {}
        self._words = ""
        self._began_ms = 0.0
        self._length_ms = 0.0
        self._is_new = True
        self._is_cut = False

    def after(self, event: i.Input, leg: LegState, now: int) -> dict[str, str]:
        """The fields that ``event`` has changed; mostly none."""
        if isinstance(event, _SILENT_ABOUT) or leg.opened_at is None:
            return {}
        fields = {
            "handoff": leg.handover.stage.value,
            "tools_pending": "1" if leg.desk.is_waiting() else "0",
            **self._read_back(leg, now),
            **self._speech(event, leg, now),
        }
        changed = {name: value for name, value in fields.items() if self._saved.get(name) != value}
        self._saved |= changed
        return changed

    @staticmethod
    def _read_back(leg: LegState, now: int) -> dict[str, str]:
        state = leg.speech.read_back.state(now)
        return {"quote_id": state.quote_id, "read_back": state.outcome} if state is not None else {}

    def _speech(self, event: i.Input, leg: LegState, now: int) -> dict[str, str]:
        playback = leg.speech.playback
        fields: dict[str, str] = {}
        match event:
            case i.AgentWords(text) if not self._is_cut:
                if self._is_new:
                    self._words, self._is_new = "", False
                self._words = (self._words + text)[: leg.limits.turn_chars_max]
                fields = self._playing(leg)
            case i.GenerationCompleted():
                fields = self._playing(leg)
            case i.ModelInterrupted() if not self._is_new:
                heard_ms = max(0.0, playback.played_ms(now) - self._began_ms)
                fields = {"saying_ms": str(round(max(self._length_ms, heard_ms))), "heard_ms": str(round(heard_ms))}
                self._is_cut = True
            case i.TurnCompleted():
                fields = self._playing(leg)
                self._began_ms, self._is_new, self._is_cut = playback.queued_ms, True, False
        return fields

    def _playing(self, leg: LegState) -> dict[str, str]:
        playback = leg.speech.playback
        if self._is_new or self._is_cut or leg.opened_at is None:
            return {}
        self._length_ms = max(0.0, playback.queued_ms - self._began_ms)
        return {
            "pii_saying": " ".join(self._words.split()),
            "saying_ms": str(round(self._length_ms)),
            "saying_until_ms": str(max(0, round(playback.ends_at) - leg.opened_at)),
            "heard_ms": "",
        }
