"""A menu's vocabulary for the tests of ears."""

from pathlib import Path

import yaml

from benchmarks.eval_ears import branch_vocabulary
from simulators.speech.vocabulary import Name, Vocabulary

ROOT = Path(__file__).resolve().parents[2]


def westlands() -> Vocabulary:
    return branch_vocabulary(yaml.safe_load((ROOT / "branches" / "westlands.yaml").read_text(encoding="utf-8")))


SMALL = Vocabulary(
    items=(Name("pilau", ("beef pilau", "pilau")), Name("tea", ("tea",)), Name("pizza", ("margherita pizza",))),
    options=(Name("no-onions", ("no onions", "without onions")), Name("thin", ("thin crust",))),
    options_of={"pizza": ("no-onions", "thin"), "pilau": ("no-onions",)},
)
