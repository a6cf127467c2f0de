"""``make bench-bargein``: how soon the agent is silent when the caller speaks over it, and what must not silence it.

    python -m benchmarks.bargein [--utterances 6]

In virtual time, with the bridge's own session, detectors and pacer and the simulated carrier's playout (no sockets, no
network: what those add comes on top). The callers are the simulators' voices through a telephone's band. The model
yields after 0.3 s, after 2 s, or never; before is the bridge without an ear of its own. Exits with 1 when a bar
is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.barge_in.line import DuckBy, Line, Told
from benchmarks.barge_in.sounds import (
    BACKCHANNELS,
    RATE,
    Samples,
    agent_speech,
    noises,
    onset_ms,
    spoken,
    utterances,
    voices,
)
from services.bridge.legs.judge import Judge, judge_of_this_machine
from services.bridge.session import inputs as i

SPEAKS_AT_MS: Final = 3_000
LEVELS_DBFS: Final = (-20, -30)
YIELDS: Final[tuple[tuple[str, int | None], ...]] = (("at once", 300), ("late", 2_000), ("never", None))
STOP_P95_MS_MAX: Final = 1_900.0
"""Onset to silence where the model never yields: 1.2 s of voice, detection, and 200 ms that may be on the way."""
CPU_MS_MAX: Final = 0.3
CALL_TURNS: Final = 12


@dataclass(frozen=True, slots=True)
class Overlap:
    """One caller who spoke over the agent. Milliseconds since their first sound; None is what did not happen."""

    silent_ms: float
    lowered_ms: float | None
    is_cut: bool
    is_ducked: bool


def overlap(
    caller: Samples,
    judge: Judge | None,
    *,
    own_ear: bool = True,
    yields_ms: int | None = None,
    duck_by: DuckBy = "volume",
    echo_db: float | None = None,
) -> Overlap:
    """The agent is speaking, and this caller begins after three seconds."""
    agent = _pcm(agent_speech())
    length_ms = len(agent) * 1000 / (2 * RATE)
    line = Line(judge, own_ear=own_ear, duck_by=duck_by, echo_db=echo_db)
    line.run(np.zeros(RATE))
    line.told = Told()
    begun = line.now
    line.model(0, i.ModelAudio(agent, RATE), i.GenerationCompleted())
    onset = onset_ms(caller) + SPEAKS_AT_MS
    if yields_ms is None:
        line.model(length_ms, i.TurnCompleted())
    else:
        line.model(onset + yields_ms, i.ModelInterrupted(), i.TurnCompleted())
    rest = np.zeros(int(RATE * (length_ms / 1000 + 1)) - RATE * SPEAKS_AT_MS // 1000 - len(caller))
    told = line.run(np.concatenate([np.zeros(RATE * SPEAKS_AT_MS // 1000), caller, rest]))
    lowered = told.lowered_at_ms(agent)
    return Overlap(
        silent_ms=told.last_audible_ms() - onset,
        lowered_ms=None if lowered is None or not told.ducks else lowered - onset,
        is_cut=bool(told.discards) or bool([at for at in told.flushes if yields_ms is None and at > begun]),
        is_ducked=bool(told.ducks),
    )


def share(times: Sequence[float | None], part: float) -> float:
    """The time within which this part of them was done; what did not happen took for ever."""
    ordered = sorted(float("inf") if each is None else each for each in times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def interruptions(judge: Judge | None, lines: Sequence[str]) -> bool:
    """Callers who want the floor."""
    callers = [spoken(voice, text, level) for voice in voices() for text in lines for level in LEVELS_DBFS]
    print(f"\nCaller speaks on: first sound to the last audible sound of the agent, {len(callers)} callers, ms")
    print(f"  {'model yields':14}{'own ear':9}{'p50':>8}{'p95':>8}{'worst':>8}   {'lowered p50':>12}{'p95':>8}")
    is_good = True
    for name, yields_ms in YIELDS:
        for own_ear in (False, True):
            seen = [overlap(each, judge, own_ear=own_ear, yields_ms=yields_ms) for each in callers]
            silent = [each.silent_ms for each in seen]
            lowered = [min(each.silent_ms, each.lowered_ms or each.silent_ms) for each in seen]
            times = "".join(f"{share(silent, part):8.0f}" for part in (0.5, 0.95, 1.0))
            print(
                f"  {name:14}{'yes' if own_ear else 'no':9}{times}   "
                f"{share(lowered, 0.5):12.0f}{share(lowered, 0.95):8.0f}"
            )
            if own_ear and yields_ms is None:
                is_good = share(silent, 0.95) <= STOP_P95_MS_MAX
    return is_good


def ways_to_duck(judge: Judge | None, lines: Sequence[str]) -> None:
    """The volume of what is not sent yet, or killAudio and all of it again at the low volume."""
    callers = [spoken(voice, text, -20) for voice in voices() for text in lines[:4]]
    print(f"\nWays to duck, {len(callers)} callers: first sound to a clearly lower voice, ms")
    for way in ("volume", "resend"):
        duck_by: DuckBy = "resend" if way == "resend" else "volume"
        seen = [overlap(each, judge, duck_by=duck_by, yields_ms=2_000).lowered_ms for each in callers]
        print(f"  {way:14}p50 {share(seen, 0.5):6.0f}   p95 {share(seen, 0.95):6.0f}")


def backchannels(judge: Judge | None) -> bool:
    """Callers who only say that they listen."""
    callers = [spoken(voice, text, level) for voice in voices() for text in BACKCHANNELS for level in LEVELS_DBFS]
    seen = [overlap(each, judge) for each in callers]
    cut, ducked = sum(each.is_cut for each in seen), sum(each.is_ducked for each in seen)
    print(f"\n'mm-hm' and its like over the agent: {len(seen)} callers, {cut} cut the agent, {ducked} lowered it")
    return cut == 0


def false_alarms(judge: Judge | None) -> bool:
    """Ten seconds of the agent over a line on which nobody speaks."""
    print("\nNobody speaks, 10 s each: lowered / cut")
    lines: list[tuple[str, Samples, float | None]] = [(name, sound, None) for name, sound in noises(8.0).items()]
    lines += [(f"echo of the agent, -{db} dB", np.zeros(RATE * 8), float(db)) for db in (20, 25, 30)]
    wrong = 0
    for name, sound, echo_db in lines:
        seen = overlap(sound, judge, echo_db=echo_db)
        wrong += seen.is_ducked or seen.is_cut
        print(f"  {name:30}{'lowered' if seen.is_ducked else '-':10}{'CUT' if seen.is_cut else '-'}")
    return wrong == 0


def call_of(line: Line, lines: Sequence[str], noise: Samples) -> Told:
    """Two minutes: the agent speaks for about half of it, the caller for a quarter; each third turn has a "mm-hm" over
    the agent, one has a caller who interrupts."""
    agent = _pcm(agent_speech())[: RATE * 2 * 6]
    for number in range(CALL_TURNS):
        line.model(0, i.ModelAudio(agent, RATE), i.GenerationCompleted())
        says = spoken("piper", lines[number % len(lines)], -24)
        if number == CALL_TURNS // 2:
            line.model(3_000, i.ModelInterrupted(), i.TurnCompleted())
            scene = [np.zeros(RATE * 2), says]
        else:
            line.model(6_000, i.TurnCompleted())
            over = spoken("piper", BACKCHANNELS[number % 5], -24) if number % 3 == 0 else np.zeros(0)
            scene = [np.zeros(RATE * 3), over, np.zeros(RATE * 7 // 2 - len(over)), says]
        sound = np.concatenate([*scene, np.zeros(RATE * 6 // 5)])
        line.run(sound + np.resize(noise, len(sound)))
    return line.told


def cpu(judge: Judge | None, lines: Sequence[str]) -> bool:
    """What hearing the caller costs in a call as it is."""
    print("\nCPU of hearing the caller in a call of two minutes, ms for each second of it")
    pink = noises(1.0)["pink noise, -30 dB"]
    costs = []
    for name, noise_db in (("quiet line, -60 dB", -60), ("noisy line, -38 dB", -38)):
        for own_ear in (False, True):
            line = Line(judge, own_ear=own_ear)
            told = call_of(line, lines, pink * 10 ** ((noise_db + 30) / 20))
            costs.append(line.detection_s * 1000 / (line.now / 1000))
            ear = "with the better detector" if own_ear else "the cheap detector alone"
            print(f"  {name:20}{ear:26}{costs[-1]:6.2f}   lowered {len(told.ducks)} times")
    return costs[1] <= CPU_MS_MAX


def main() -> int:
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=6, help="texts of interrupting callers")
    given = parser.parse_args()
    judge = judge_of_this_machine()
    lines = utterances(given.utterances)
    verdicts = {
        "the agent stops for whoever speaks on": interruptions(judge, lines),
        "a 'mm-hm' cuts nobody off": backchannels(judge),
        "nothing but speech lowers it": false_alarms(judge),
        "cheap enough": cpu(judge, lines),
    }
    ways_to_duck(judge, lines)
    print()
    for what, is_good in verdicts.items():
        print(f"  {'ok' if is_good else 'MISSED':8}{what}")
    return 0 if all(verdicts.values()) else 1


def _pcm(samples: Samples) -> bytes:
    return np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()


if __name__ == "__main__":
    sys.exit(main())
