"""Whether a caller noticed no more of a killed bridge than is promised, and the figures of all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.takeover.strike import TOTAL_MINOR, UNITS, Aftermath
from simulators.carrier.settings import StreamEnd

BACK_S = 3.0
RUNG_S = 30.0


def problems(after: Aftermath) -> list[str]:
    """What was worse than promised for this caller; nothing when all is well."""
    found = []
    if after.cart_units != UNITS:
        found.append(f"{after.cart_units} things in the cart after the kill instead of {UNITS}")
    if after.tickets != (TOTAL_MINOR,):
        found.append(f"tickets {after.tickets} instead of one of {TOTAL_MINOR}")
    if not after.was_cart_told:
        found.append("was not told what is in the cart")
    if after.was_greeted_again:
        found.append("was greeted a second time on the same call")
    if after.caller.reading is StreamEnd.ASK_VOICE_URL:
        found += _late(after.back_s, BACK_S, "heard the agent again")
    else:
        found += _late(after.rung_s, RUNG_S, "was rung back")
        if after.ended_by not in ("rest", "stream_end"):
            found.append(f"the silent call was ended by {after.ended_by}")
    return found


def _late(after_s: float | None, bar_s: float, what: str) -> list[str]:
    if after_s is None:
        return [f"never {what}"]
    return [f"{what} after {after_s:.1f} s, later than {bar_s:.0f} s"] if after_s > bar_s else []


def table(aftermaths: Sequence[Aftermath], kills: int) -> Iterable[str]:
    """The figures, a row for each way in which a carrier behaves."""
    yield f"{kills} kills of the serving bridge, {len(aftermaths)} callers"
    yield "| carrier | callers | agent in mid-sentence | all well | measured | p50 | max |"
    yield "|---|---|---|---|---|---|---|"
    for reading in StreamEnd:
        own = [each for each in aftermaths if each.caller.reading is reading]
        if own:
            is_asked = reading is StreamEnd.ASK_VOICE_URL
            times = [time for each in own if (time := each.back_s if is_asked else each.rung_s) is not None]
            p50, most = (f"{figure(times):.2f} s" if times else "-" for figure in (statistics.median, max))
            what = "kill to the agent's voice" if is_asked else "kill to the phone picked up"
            well = sum(not problems(each) for each in own)
            mid = sum(each.was_mid_sentence for each in own)
            yield f"| {reading} | {len(own)} | {mid} | {well} | {what} | {p50} | {most} |"
