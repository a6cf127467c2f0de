"""Evidence that the caller heard a priced read-back and said something after it.

A ``getTotal`` result with a quote arms the watch; the model's next audio is the read-back. It is *completed* when
its turn is over and its last sample was played, *cut* when the caller interrupted before that. ``placeOrder`` takes
this evidence along; what it is worth is decided by ``orders``.
"""

from __future__ import annotations

from services.bridge.session.actions import ReadBackOutcome, ReadBackState
from services.bridge.session.playback import Playback


class ReadBackWatch:
    """Follows the newest quote only."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._quote_id: str | None = None
        self._from_ms = 0.0
        self._until_ms: float | None = None
        self._starts_at: float | None = None
        self._turn_over = False
        self._cut = False
        self._speech_ms = 0
        self._asked_again = False
        self._asked_from: float | None = None
        self._placed = False

    def arm(self, quote_id: str) -> None:
        """A new quote was told to the model. Evidence for an older one is gone."""
        self._quote_id = quote_id
        self._from_ms, self._until_ms, self._starts_at = 0.0, None, None
        self._turn_over = self._cut = self._placed = self._asked_again = False
        self._asked_from = None
        self._speech_ms = 0

    def asked_again(self) -> None:
        """The caller is asked once more whether it is right: only what they say from the question's first sound on
        counts, and not what they are saying while the model learns that it has to ask."""
        self._speech_ms = 0
        self._asked_again, self._asked_from = True, None

    def doubt(self) -> None:
        """The caller was asked something else since: a yes from now on is no answer to what was read back."""
        if self._quote_id is not None:
            self.arm(self._quote_id)

    def on_audio(self, now: int) -> None:
        """Agent audio is about to be queued. Call it before :meth:`Playback.queue`."""
        if self._asked_again and self._asked_from is None:
            self._asked_from = max(self._playback.ends_at, now)
        if self._quote_id is not None and self._starts_at is None:
            self._from_ms = self._playback.queued_ms
            self._starts_at = max(self._playback.ends_at, now)

    def on_audio_queued(self) -> None:
        """The audio is queued."""
        if self._starts_at is not None and not self._turn_over:
            self._until_ms = self._playback.queued_ms

    def on_turn_over(self) -> None:
        """The model's turn ended. A turn without audio is not the read-back."""
        if self._starts_at is not None:
            self._turn_over = True

    def on_interrupted(self, now: int) -> None:
        """Playing is about to stop. Call it before :meth:`Playback.flush`."""
        if self._asked_from is not None and now < self._asked_from:
            self._asked_from = None  # the question was dropped before it was heard
        if self._starts_at is not None and not self._cut and not self._is_heard(now):
            self._until_ms = max(self._from_ms, min(self._playback.played_ms(now), self._until_ms or self._from_ms))
            self._cut = self._turn_over = True

    def on_model_lost(self) -> None:
        """The model session is gone. A read-back that it had not finished was none: it needs a new quote. One that
        was over stays what it was."""
        if not self._turn_over:
            self._quote_id = None

    def on_caller_speech(self, voiced_ms: int, now: int) -> None:
        """The caller spoke."""
        counts_from = self._asked_from if self._asked_again else self._starts_at
        if counts_from is not None and now >= counts_from:
            self._speech_ms += voiced_ms

    def on_placed(self) -> None:
        """The order is placed: no answer is waited for any more."""
        self._placed = True

    @property
    def waits_for_answer(self) -> bool:
        """A quote is being read back, or was, and what the caller says counts."""
        return self._quote_id is not None and self._starts_at is not None and not self._placed

    def is_playing(self, now: int) -> bool:
        """The caller is hearing the read-back."""
        if self._quote_id is None or self._starts_at is None or self._cut or now < self._starts_at:
            return False
        return not self._is_heard(now)

    def state(self, now: int) -> ReadBackState | None:
        """The evidence, or None when nothing was quoted."""
        if self._quote_id is None:
            return None
        return ReadBackState(
            self._quote_id, self._outcome(now), self._played_ms(now), self._speech_ms, self._asked_again
        )

    def _outcome(self, now: int) -> ReadBackOutcome:
        if self._starts_at is None:
            return "none"
        if self._cut:
            return "cut"
        return "completed" if self._is_heard(now) else "playing"

    def _played_ms(self, now: int) -> int:
        if self._starts_at is None or self._until_ms is None:
            return 0
        return round(max(0.0, min(self._playback.played_ms(now), self._until_ms) - self._from_ms))

    def _is_heard(self, now: int) -> bool:
        # A float sum of chunk lengths may end a hair after its own last sample.
        end = self._until_ms if self._until_ms is not None else 0.0
        return self._turn_over and self._playback.played_ms(now) >= end - 0.5
