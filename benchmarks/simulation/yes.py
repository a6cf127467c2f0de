"""``make eval-yes``: genuine callers who say yes into the read-back, and what that costs them.

    python -m benchmarks.simulation.yes [--calls 1000] [--seed 1]

Nothing breaks and the model is honest; callers talk as people do who do not wait. Most say yes in the last second and
a half of the reading, one in seven as soon as they have heard their dish, one in 250 in its first second. The model
stops for seven of ten of them; with the others the reading goes on. Judged are the answers that the placing of a
genuine yes gets: refused at all, and how many turns more than one. The exit code is 0 when at most 1 % are refused, and
nobody needs more than one turn more, those left aside who had heard nothing yet.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

from benchmarks.simulation.chance import CALM
from benchmarks.simulation.world import Setting, World

REFUSED_SHARE_MAX = 0.01
EXTRA_TURNS_MAX = 1
CALLS_PER_WORLD = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of all placings. ``extra`` counts callers by the turns that they needed more than one."""

    callers: int
    placed: int
    refused: int
    codes: Counter[str]
    extra: Counter[int]
    violations: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the promise is kept."""
        return (
            not self.violations
            and self.placed == self.callers
            and self.refused <= REFUSED_SHARE_MAX * self.callers
            and sum(count for turns, count in self.extra.items() if turns > EXTRA_TURNS_MAX)
            <= self.codes["read_back_unheard"]
        )

    def __str__(self) -> str:
        turns = ", ".join(f"{count} with {extra} more" for extra, count in sorted(self.extra.items()))
        return (
            f"{self.callers} genuine callers, {self.placed} got their order; {self.refused} were refused"
            f" ({self.refused / self.callers:.2%}); turns: {turns}; answers: {dict(sorted(self.codes.items()))}"
        )


def evaluate(seed: int | str, callers: int) -> Figures:
    """So many callers say yes too soon."""
    codes: Counter[str] = Counter()
    extra: Counter[int] = Counter()
    placed = refused = heard = 0
    violations: list[str] = []
    for number in range(-(-callers // CALLS_PER_WORLD)):
        count = min(CALLS_PER_WORLD, callers - number * CALLS_PER_WORLD)
        world = World(Setting(f"yes/{seed}/{number}", count, CALM, is_eager=True))
        world.run()
        violations += [str(violation) for violation in world.books.violations]
        for line in world.lines:
            answers = world.books.call(line.call_id).placings
            first = answers[: answers.index("order_placed") + 1] if "order_placed" in answers else answers
            heard += 1
            placed += first[-1:] == ["order_placed"]
            refused += any(code not in ("order_placed", "confirm_again") for code in first)
            codes.update(first)
            extra[len(first) - 1] += 1
    return Figures(heard, placed, refused, codes, extra, tuple(violations))


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000, help="how many callers (default: 1000)")
    parser.add_argument("--seed", default="1", help="of the callers (default: 1)")
    chosen = parser.parse_args()
    if not 1 <= chosen.calls <= 1_000_000:
        parser.error("1 to 1000000 callers")
    figures = evaluate(chosen.seed, chosen.calls)
    print("\n".join((*figures.violations, str(figures))))
    return 0 if figures.is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
