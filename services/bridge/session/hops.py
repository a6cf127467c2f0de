"""Carries a leg from one model session to the next.

A *planned* hop (the end is announced, or the session is old) is made at a quiet point: nothing plays, nobody speaks,
no function runs, nobody waits for an answer, and the handle is newer than all of that. When no such moment comes, the
session is left before its end anyway. A *lost* session is replaced at once. Either way the leg keeps its phase, its
epoch, its cart and what is playing; what the old session was owed goes to the new one as news.
"""

from __future__ import annotations

from typing import Final

from services.bridge.session import actions as a
from services.bridge.session.endings import Endings
from services.bridge.session.handover import TECHNICAL, Stage
from services.bridge.session.model_life import QUOTA, Attempt, ModelState
from services.bridge.session.phases import Phase, Trigger
from services.bridge.session.seed import ANSWER_CALLER, FINISH, FINISH_GREETING, GO_ON, answers_text
from services.bridge.session.state import LegState

SUMMARY: Final = "The assistant was lost in the middle of the call."
CAUSES: Final = frozenset(
    {"go_away", "age", "quota", "silent", *(f"closed_{code}" for code in (1000, 1001, 1006, 1007, 1008, 1011))}
)
"""Why a session ended, as a label of a metric; anything else is ``other``."""


class ModelHops:
    """Of one leg. Nothing in here waits or chooses at random."""

    def __init__(self, leg: LegState, endings: Endings) -> None:
        self._leg = leg
        self._life = leg.model
        self._endings = endings
        self._voice_began_at = 0
        self._voice_at: int | None = None
        self._broke_off = ""
        self._seed_version: int | None = None
        self._is_handle_recorded = False

    # -- what happens --------------------------------------------------------------------------------------------

    def open(self, now: int) -> None:
        """The leg begins."""
        self._connect(self._life.on_opened(now))

    def on_caller_speech(self, voiced_ms: int, now: int) -> None:
        """The local detector heard the caller until now."""
        if self._voice_at is None or now - self._voice_at > self._leg.limits.model_quiet_ms:
            self._voice_began_at = now - voiced_ms
        self._voice_at = now

    def renew_if_silent(self, now: int) -> bool:
        """The session is there and says nothing: another one, that is told everything. False where there is none."""
        if not (self._may_hop() and self._life.may_renew(now)):
            return False
        self._leave_session()
        attempt = self._life.renew("silent", now)
        self._leg.do([a.CloseModel()])
        self._connect(attempt)
        return True

    def on_agent_audio(self) -> None:
        """The model speaks."""
        self._life.on_sign_of_life()

    def on_handle(self, handle: str, now: int) -> None:
        """Kept here, and outside of this process. That of a session which was left meanwhile is not."""
        if not self._life.is_live:
            return
        self._life.on_handle(handle, now)
        self._is_handle_recorded = True
        self._leg.do([a.SaveRecord({"handle": handle})])

    def on_go_away(self, time_left_ms: int, now: int) -> None:
        """The server will close the connection."""
        self._leg.do([a.Complain("go_away", f"{time_left_ms} ms left")])
        self._life.on_end_announced(time_left_ms, now, "go_away")

    def on_ready(self, generation: int, now: int) -> None:
        """A session is set up: it greets, goes on, or just listens."""
        leg = self._leg
        away_ms = self._life.on_ready(generation, now)
        if away_ms is None:
            if generation == self._life.generation:
                leg.advance(Trigger.MODEL_READY)  # said twice: a fault of the driver
            return
        if leg.phase is Phase.CONNECTING:
            leg.advance(Trigger.MODEL_READY)
            leg.stuck.on_step(now)  # whatever was waited for before: it can be heard from now on
            leg.do([a.RequestGreeting()])
            return
        cause = self._life.cause if self._life.cause in CAUSES else "other"
        leg.do([a.NoteHop(cause, "resumed" if self._life.is_resumed else "reseeded", away_ms)])
        leg.stuck.on_step(now)
        if leg.phase is Phase.GREETING and not self._is_heard():
            leg.do([a.RequestGreeting()])
            return
        leg.on_told((), self._seed_version)
        text = self._what_is_owed(now, away_ms)
        if text is not None:
            leg.do([a.GoOn(text)])

    def on_closed(self, reason: str, generation: int, now: int) -> None:
        """A session is gone or could not be had. What it had said is still played."""
        leg = self._leg
        if generation != self._life.generation or self._life.state is ModelState.GONE:
            return
        if leg.phase in (Phase.FAREWELL, Phase.HANDING_OVER):
            self._life.give_up()
            self._endings.on_model_gone(now)
            return
        if self._life.is_live:
            self._leave_session()
        attempt = self._life.on_lost(reason, now)
        if reason in QUOTA:
            leg.do([a.Complain("model_quota")])
        if attempt is not None:
            self._connect(attempt)
        else:
            self._lost(reason, now)

    # -- time ----------------------------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """When :meth:`on_tick` will have something."""
        if self._life.state is ModelState.DRAINING:
            if not self._may_hop():
                return None
            times = [at for at in (self._life.next_due(), self._quiet_at()) if at is not None]
            return min(times, default=None)
        return self._life.next_due()

    def on_tick(self, now: int) -> None:
        """Do what is due."""
        due = self._life.next_due()
        if self._life.is_too_old(now):
            self._life.on_end_announced(self._leg.limits.model_age_grace_ms, now, "age")
        elif due is not None and now >= due and self._life.state is ModelState.SWITCHING:
            self._leg.do([a.CloseModel()])
            self._life.give_up()
            self._lost("away_too_long", now)
        elif due is not None and now >= due and self._life.state is ModelState.DRAINING and self._may_hop():
            if not self._is_quiet(now):
                self._leg.do([a.Complain("hop_forced")])
            self._hop(now)
        self.hop_if_quiet(now)

    def hop_if_quiet(self, now: int) -> None:
        """Leave a session whose end is announced, if nothing is lost by it now."""
        if self._life.state is ModelState.DRAINING and self._may_hop() and self._is_quiet(now):
            self._hop(now)

    def _may_hop(self) -> bool:
        """Not when the leg is about to end anyway."""
        return self._leg.phase in (Phase.GREETING, Phase.TALKING)

    def _is_quiet(self, now: int) -> bool:
        at = self._quiet_at()
        return at is not None and now >= at

    def _quiet_at(self) -> int | None:
        """From when on it is quiet, if nothing else happens; None when something must happen first."""
        leg = self._leg
        is_busy = (
            leg.phase is not Phase.TALKING
            or leg.handover.stage not in (Stage.IDLE, Stage.RINGING)
            or leg.speech.turn_open
            or leg.desk.has_open()
            or leg.news.is_waiting()
            or leg.stuck.is_waited_for
        )
        if is_busy:
            return None
        at = int(leg.speech.playback.ends_at) + 1
        if self._voice_at is not None:
            at = max(at, self._voice_at + leg.limits.model_quiet_ms)
        return at if self._life.has_fresh_handle else max(at, self._life.gives_up_handle_at)

    # -- steps ---------------------------------------------------------------------------------------------------

    def _hop(self, now: int) -> None:
        self._leave_session()
        attempt = self._life.leave(now)
        if attempt is not None:
            self._leg.do([a.CloseModel()])
            self._connect(attempt)

    def _leave_session(self) -> None:
        """Everything that was bound to the session that is gone; to be done before the next one has its number."""
        leg = self._leg
        is_cut = leg.speech.is_generating
        self._broke_off = ""
        if is_cut:
            self._broke_off = FINISH_GREETING if leg.phase is Phase.GREETING else FINISH
        leg.do(leg.speech.on_model_lost())
        leg.save_turns(leg.transcript.complete_all())
        leg.desk.on_model_lost()
        leg.handover.on_model_lost()
        leg.send_caller_audio(leg.hold.release())
        if self._is_heard():
            leg.greeted()

    def _connect(self, attempt: Attempt) -> None:
        leg = self._leg
        is_new = leg.phase is Phase.CONNECTING or (leg.phase is Phase.GREETING and not self._is_heard())
        said = [turn.as_said() for turn in leg.transcript.turns]
        seed = None if is_new else leg.memory.seed(said, leg.facts.language)
        if attempt.handle is None and self._is_handle_recorded:
            # Whoever takes the call over must not try it either.
            self._is_handle_recorded = False
            leg.do([a.SaveRecord({"handle": ""})])
        self._seed_version = None if seed is None else seed.cart_version
        leg.do([a.ConnectModel(attempt.generation, attempt.handle, seed, attempt.delay_ms, attempt.timeout_ms)])

    def _lost(self, reason: str, now: int) -> None:
        """There will be no other session: a person, unless there is nothing left to do for one."""
        leg = self._leg
        leg.do([a.Complain("model_lost", reason)])
        is_done = leg.ledger.placed and leg.ledger.placed_told and leg.handover.stage is Stage.IDLE
        if leg.phase is Phase.CONNECTING or is_done:
            self._endings.end(f"model_{reason}", now)
            return
        self._endings.on_model_gone(now)
        if leg.phase in (Phase.GREETING, Phase.TALKING):
            self._endings.need_person(TECHNICAL, SUMMARY, now)
            self._endings.say_without_model("connecting", now)

    def _what_is_owed(self, now: int, away_ms: int) -> str | None:
        """What a session within the call is to say of itself; None when it is the caller's turn."""
        leg = self._leg
        unvoiced = leg.memory.take_unvoiced()
        leg.on_told(unvoiced, None)
        parts = leg.memory.take_notes()
        answers = (*unvoiced, *leg.take_news(now))
        if answers:
            parts.append(answers_text(answers))
        elif self._broke_off:
            parts.append(GO_ON.format(what=self._broke_off))
        elif self._waits_for_answer(parts, now, away_ms):
            if not self._life.is_resumed and self._is_asked_again(now):
                return None
            parts.append(GO_ON.format(what=ANSWER_CALLER))
        return " ".join(parts) if parts else None

    def _waits_for_answer(self, parts: list[str], now: int, away_ms: int) -> bool:
        leg = self._leg
        is_left_over = not parts and leg.stuck.is_waited_for and not leg.desk.has_open()
        return is_left_over and not self._is_in_the_ring(now, away_ms)

    def _is_asked_again(self, now: int) -> bool:
        """What the caller said is lost with the session that heard it: they hear that at once, and say it again."""
        cue = self._leg.cues.play("say_again", now)
        self._leg.do(cue)
        if cue:
            self._leg.stuck.give_up()
        return bool(cue)

    def _is_in_the_ring(self, now: int, away_ms: int) -> bool:
        """The caller is speaking, or said all of it while no session was there: the new one will hear it itself."""
        voice_at = self._voice_at
        if voice_at is None:
            return False
        is_speaking = now - voice_at < self._leg.limits.model_quiet_ms
        is_kept = self._voice_began_at >= now - away_ms and now - self._voice_began_at < self._leg.limits.uplink_kept_ms
        return is_speaking or is_kept

    def _is_heard(self) -> bool:
        return self._leg.agent_heard
