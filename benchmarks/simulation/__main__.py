"""``make simulate CALLS=10000 SEED=17``: calls in virtual time, with everything that can break breaking.

    python -m benchmarks.simulation [--calls 10000] [--seed 1] [--calm]

Prints the seed, the digest of the whole history and what happened in it. The exit code is 0 only when every invariant
held. A violation names its call; the same seed leads to it again.
"""

from __future__ import annotations

import argparse
import time

from benchmarks.simulation.chance import CALM, ROUGH
from benchmarks.simulation.world import simulate

CALLS_MAX = 10_000_000


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000, help="how many calls (default: 10000)")
    parser.add_argument("--seed", default="1", help="of the whole history (default: 1)")
    parser.add_argument("--calm", action="store_true", help="nothing breaks and nobody cheats")
    chosen = parser.parse_args()
    if not 1 <= chosen.calls <= CALLS_MAX:
        parser.error(f"1 to {CALLS_MAX} calls")
    began = time.process_time()
    outcome = simulate(chosen.seed, chosen.calls, faults=CALM if chosen.calm else ROUGH)
    spent = time.process_time() - began
    for violation in outcome.violations:
        print(f"VIOLATED {violation}")
    for what, count in sorted(outcome.counts.items()):
        print(f"{what:24} {count}")
    print(f"{len(outcome.violations)} violations in {outcome.calls} calls, {spent:.1f} s of CPU")
    print(f"seed {chosen.seed} digest {outcome.digest}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
