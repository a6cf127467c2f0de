"""What another replica would need to go on with this leg, whenever it changes: for the call's record.

How much of the agent's last words was heard cannot be told by a bridge that died. What is written while they play is
their length and when they will have been played; who takes over knows when the bridge was last seen.
"""

from __future__ import annotations

from services.bridge.session import inputs as i
from services.bridge.session.said import Cut
from services.bridge.session.state import LegState

_SILENT_ABOUT = (i.CallerAudio, i.CallerSpoke, i.ModelAudio, i.UsageReported)
"""They come many times a second, or say nothing that matters here."""


class RecordFields:
    """Follows one leg and gives the fields of its record that are new. All values are text, times are milliseconds.

    ``saying_ms`` is the length of the agent's newest words and ``saying_until_ms`` when they will have been played,
    counted from the start of the leg; ``heard_ms`` is there once it is known how much of them was, and ``saying_ms`` is
    then all that was there of them.
    """

    def __init__(self) -> None:
        self._saved: dict[str, str] = {}
        self._words = ""
        self._began_ms = 0.0
        self._is_new = True
        self._is_cut = False
        self._cut: Cut | None = None

    def after(self, event: i.Input, leg: LegState, now: int) -> dict[str, str]:
        """The fields that ``event`` has changed; mostly none."""
        if isinstance(event, _SILENT_ABOUT) or leg.opened_at is None:
            return {}
        fields = {
            "handoff": leg.handover.stage.value,
            "tools_pending": "1" if leg.desk.is_waiting() else "0",
            **self._read_back(leg, now),
            **self._speech(event, leg),
        }
        changed = {name: value for name, value in fields.items() if self._saved.get(name) != value}
        self._saved |= changed
        return changed

    @staticmethod
    def _read_back(leg: LegState, now: int) -> dict[str, str]:
        state = leg.speech.read_back.state(now)
        return {"quote_id": state.quote_id, "read_back": state.outcome} if state is not None else {}

    def _speech(self, event: i.Input, leg: LegState) -> dict[str, str]:
        playback = leg.speech.playback
        fields = self._cut_off(event, leg)
        match event:
            case i.AgentWords(text) if not self._is_cut:
                if self._is_new:
                    self._words, self._is_new = "", False
                self._words = (self._words + text)[: leg.limits.turn_chars_max]
                fields |= self._playing(leg)
            case i.GenerationCompleted():
                fields |= self._playing(leg)
            case i.TurnCompleted():
                fields |= self._playing(leg)
                self._began_ms, self._is_new, self._is_cut = playback.queued_ms, True, False
        return fields

    def _cut_off(self, event: i.Input, leg: LegState) -> dict[str, str]:
        """What the model still says of a turn that was cut off is not heard, whoever has cut it off."""
        cut, self._cut = (None if leg.cut is self._cut else leg.cut), leg.cut
        if self._is_new or self._is_cut or not (cut is not None or isinstance(event, i.ModelInterrupted)):
            return {}
        self._is_cut = True
        return {"saying_ms": str(cut.length_ms), "heard_ms": str(cut.heard_ms)} if cut is not None else {}

    def _playing(self, leg: LegState) -> dict[str, str]:
        playback = leg.speech.playback
        if self._is_new or self._is_cut or leg.opened_at is None:
            return {}
        length_ms = max(0.0, playback.queued_ms - self._began_ms)
        return {
            "pii_saying": " ".join(self._words.split()),
            "saying_ms": str(round(length_ms)),
            "saying_until_ms": str(max(0, round(playback.ends_at) - leg.opened_at)),
            "heard_ms": "",
        }
