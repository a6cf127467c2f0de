"""``make bench-kill``: from the model's ``interrupted`` to silence at the carrier, under load.

    make bench-kill [ARGS="--calls 10 --seconds 20 --part-ms 40 --quick"]

The bridge as in production is a process on one core; all callers and the model are one process on the other, as in
``make bench-bridge``. The model speaks for 3.2 s, sent twice as fast as it is spoken. Of four turns it breaks three
off, 1.2 to 2.4 s after their first audio: ``interrupted``, 30 ms later one more message with audio of the old turn,
which nobody may ever hear, 30 ms later ``turnComplete``. The caller speaks from 300 ms before to 700 ms after, so the
agent's voice is lowered already. The next turn begins 1.1 s after the interruption.

Both ends read the same clock. Times begin when the model writes ``interrupted`` to its TLS connection and end when the
carrier's socket has given up the message in question: so they contain both hops of the loopback and whatever the
load side itself was late. Audio of the old turn is all audio before the next turn begins, and after that what bears the
old turn's sign: all samples of a turn lie on one side of zero, and the next turn's on the other. Zeros are no audio.

*Unplayed audio* is what the simulated carrier's own playout holds (prebuffer and queue, real-time drain), at the
arrival of each message. Zeros that ``killAudio`` clears before anything more is played are left out.

Every interrupted turn must have been at the carrier in time until then, and every other turn in full, or there was
nothing to be silenced. The exit code is 0 only when no bar is missed. A run with the default figures writes
docs/benchmarks.md; ``--quick`` judges no times.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

import uvloop

from benchmarks.bridge import machine
from benchmarks.bridge.report import PAGE, into_page, is_good
from benchmarks.kill import report
from benchmarks.kill.figures import bars
from benchmarks.kill.run import Plan, measure

WHOLE: Final = Plan(calls=50, seconds=120, part_ms=40, warm_up_s=3.0)
QUICK: Final = Plan(calls=5, seconds=6, part_ms=40, warm_up_s=0.5)


def circumstances(plan: Plan, load_before: float) -> str:
    """Date, machine, versions and what was done, for the page."""
    return (
        f"{machine.occasion('make bench-kill', load_before)}, {machine.choose_cores()}: "
        f"{machine.describe()}; {machine.python_with('websockets', 'uvloop')}; "
        f"the model's audio in parts of {plan.part_ms} ms."
    )


def main() -> int:
    """Exit code 0 only when no bar is missed; with ``--quick`` when everything was silenced and nothing came behind."""
    plan = _chosen()
    load_before = machine.load_average()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(plan))
    judged = bars(figures)
    part = report.page_part(figures, judged, circumstances(plan, load_before))
    print(part)
    if plan == QUICK:
        print("ok" if figures.is_silent else "NOT SILENT")
        return 0 if figures.is_silent else 1
    if plan == WHOLE:
        PAGE.write_text(into_page(PAGE.read_text(), part, report.BEGIN, report.END))
    return 0 if is_good(judged) else 1


def _chosen() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=WHOLE.calls)
    parser.add_argument("--seconds", type=float, default=WHOLE.seconds, help="length of the measurement")
    parser.add_argument("--part-ms", type=int, default=WHOLE.part_ms, help="audio in one message of the model")
    parser.add_argument("--quick", action="store_true", help="5 calls for 6 s: does the harness work?")
    chosen = parser.parse_args()
    if chosen.quick:
        return QUICK
    if not (1 <= chosen.calls <= 900 and 5 <= chosen.seconds <= 600 and 20 <= chosen.part_ms <= 400):
        parser.error("1 to 900 calls, 5 to 600 seconds, parts of 20 to 400 ms")
    return Plan(chosen.calls, chosen.seconds, chosen.part_ms, WHOLE.warm_up_s)


if __name__ == "__main__":
    sys.exit(main())
