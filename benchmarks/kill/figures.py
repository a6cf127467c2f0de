"""What a run comes to: times, counts and whether the bars are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bridge.gauge import percentile_ms
from benchmarks.bridge.report import Bar
from benchmarks.bridge.result import LOAD_SHARE_MAX
from benchmarks.kill.ear import Interruption, Log

SILENT_MS_MAX: Final = 20.0
"""At p99, of the ``killAudio`` and of the last stale byte."""
LEAD_MS_MAX: Final = 200.0
PREBUFFER_MS: Final = 160.0
AHEAD_MS_MAX: Final = LEAD_MS_MAX + PREBUFFER_MS


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds after the interruption."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """NaN for all three when there is nothing."""
        return cls(percentile_ms(seconds, 0.5), percentile_ms(seconds, 0.99), percentile_ms(seconds, 1.0))

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} / {self.longest:.1f} ms"


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run."""

    calls: int
    seconds: float
    interruptions: int
    unanswered: int
    """Interruptions without ``killAudio``."""
    with_stale: int
    """Interruptions after which audio of the old turn arrived at all."""
    killed: Spread
    stale: Spread
    """0 for an interruption after which nothing of the old turn arrived."""
    heard: Spread
    """The same, by what the carrier played."""
    ahead_ms: float
    """The most of any call."""
    ahead_ms_p50: float
    """Of the calls."""
    stale_after_kill: int
    stale_heard: int
    needless_kills: int
    turns: int
    short_turns: int
    lost_up: int
    dropped: int
    bridge_share: float
    """Of its core that the bridge used."""
    bridge_waited: float
    """Share of the time in which it could have run and something else had its core. On an idle machine next to none;
    the times contain it."""
    load_share: float
    load_late_p99: float

    @classmethod
    def of(
        cls,
        log: Log,
        measured: int,
        *,
        calls: int,
        seconds: float,
        lost_up: int,
        dropped: int,
        bridge_share: float,
        bridge_waited: float,
        load_share: float,
        load_late_p99: float,
    ) -> Figures:
        """From what was logged. The first ``measured`` interruptions count: the rest had no time to be answered."""
        cuts = log.interruptions[:measured]
        ahead = sorted(log.ahead_ms.values())
        return cls(
            calls=calls,
            seconds=seconds,
            interruptions=len(cuts),
            unanswered=sum(cut.killed_at is None for cut in cuts),
            with_stale=sum(cut.stale_at is not None for cut in cuts),
            killed=Spread.of([cut.killed_at - cut.at for cut in cuts if cut.killed_at is not None]),
            stale=Spread.of([_since(cut, cut.stale_at) for cut in cuts]),
            heard=Spread.of([_since(cut, cut.heard_at) for cut in cuts]),
            ahead_ms=ahead[-1] if ahead else float("nan"),
            ahead_ms_p50=ahead[len(ahead) // 2] if ahead else float("nan"),
            stale_after_kill=log.stale_after_kill,
            stale_heard=log.stale_heard,
            needless_kills=log.needless_kills,
            turns=log.turns,
            short_turns=log.short_turns,
            lost_up=lost_up,
            dropped=dropped,
            bridge_share=bridge_share,
            bridge_waited=bridge_waited,
            load_share=load_share,
            load_late_p99=load_late_p99,
        )

    @property
    def is_silent(self) -> bool:
        """Whether every interruption was followed by ``killAudio``, and nothing of an old turn came behind it."""
        return self.interruptions > 0 and not (self.unanswered or self.stale_after_kill or self.stale_heard)

    @property
    def is_whole(self) -> bool:
        """Whether no call and no audio was lost, and nothing was cut off that should have been heard."""
        return not (self.dropped or self.lost_up or self.short_turns or self.needless_kills)

    @property
    def is_load_fit(self) -> bool:
        """Whether the load side was not busy with itself. Where it was, the times are longer than the bridge's."""
        return self.load_share <= LOAD_SHARE_MAX


def bars(figures: Figures) -> list[Bar]:
    """All of them. NaN meets none."""
    counted = figures.interruptions - figures.unanswered
    return [
        Bar(
            f"from `interrupted` to `killAudio`: p99 <= {SILENT_MS_MAX:g} ms",
            f"{figures.killed.p99:.1f} ms",
            counted > 0 and figures.killed.p99 <= SILENT_MS_MAX,
        ),
        Bar(
            f"from `interrupted` to the last byte of the old turn: p99 <= {SILENT_MS_MAX:g} ms",
            f"{figures.stale.p99:.1f} ms",
            figures.interruptions > 0 and figures.stale.p99 <= SILENT_MS_MAX,
        ),
        Bar(
            f"unplayed audio at the carrier: never above {LEAD_MS_MAX:g} ms + {PREBUFFER_MS:g} ms of prebuffer",
            f"{figures.ahead_ms:.0f} ms",
            figures.ahead_ms <= AHEAD_MS_MAX,
        ),
        Bar(
            "`killAudio` after every interruption, and nothing of the old turn behind it",
            f"{figures.unanswered} of {figures.interruptions} without; "
            f"{figures.stale_after_kill} messages behind it, {figures.stale_heard} frames played",
            figures.is_silent,
        ),
        Bar(
            "nothing lost: calls, audio either way, words that nobody interrupted",
            f"{figures.dropped} calls, {figures.lost_up} frames of callers, "
            f"{figures.short_turns} of {figures.turns} turns, {figures.needless_kills} needless `killAudio`",
            figures.is_whole,
        ),
    ]


def _since(cut: Interruption, at: float | None) -> float:
    return 0.0 if at is None else at - cut.at
