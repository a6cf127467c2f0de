"""How well names are understood: hand-labelled phrasings over the shipped menus, against what the rules make of them.

    .venv/bin/python -m benchmarks.eval_names [--split tuning|held_out] [--menu FILE-PREFIX]

Phrasings: tests/domain/phrasings/*.yaml, whose README.md says what the labels mean. Every miss is printed. The
`held_out` half is not looked at while the rules are tuned.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from agiza.domain.ids import ItemId
from agiza.domain.lines import SPOKEN_MAX
from agiza.domain.menu import parse_branch
from agiza.domain.menu_model import Menu
from agiza.domain.names import resolve_item, resolve_kind, resolve_option

ROOT = Path(__file__).resolve().parent.parent
PHRASINGS = ROOT / "tests" / "domain" / "phrasings"
BRANCHES = ROOT / "branches"
SPLITS = ("tuning", "held_out")
RIGHT_MIN = 0.98
WRONG_MAX = 0.005
_LABELS = frozenset({"item", "option", "or_ask", "ask", "kind", "nothing"})


@dataclass(frozen=True, slots=True)
class Phrasing:
    """What was said and what it means. `of` is the item whose choice is named, None for the name of an item.

    `meant` is the id that it means; with `or_ask` a question that offers this id is as good. Without `meant`, a
    question must offer all of `ask`; with neither, nothing may be found, and where `nothing` holds nothing is offered.
    """

    file: str
    split: str
    branch: str
    say: str
    of: str | None = None
    meant: str | None = None
    or_ask: bool = False
    ask: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    nothing: bool = False

    @property
    def label(self) -> str:
        if self.meant is not None:
            return f"{self.meant}, or asked" if self.or_ask else self.meant
        if self.kind:
            return f"asked: {' with '.join(self.kind)}"
        return "nothing" if self.nothing else f"asked: {', '.join(self.ask) or 'anything'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules make of it: `found`, or the question's ids, best first. `kind` is an item and its option."""

    found: str | None
    near: tuple[str, ...]
    kind: tuple[str, ...]

    def __str__(self) -> str:
        if self.found is not None:
            return self.found
        if self.kind:
            return f"asked: {' with '.join(self.kind)}"
        return f"asked: {', '.join(self.near)}" if self.near else "nothing"


@dataclass(frozen=True, slots=True)
class Verdict:
    phrasing: Phrasing
    answer: Answer

    @property
    def wrong_guess(self) -> bool:
        """Something was taken for certain that was not meant, or that should have been asked."""
        return self.answer.found is not None and self.answer.found != self.phrasing.meant

    @property
    def right(self) -> bool:
        meant, answer = self.phrasing, self.answer
        if answer.found is not None:
            return answer.found == meant.meant
        if meant.kind:
            return answer.kind == meant.kind
        if meant.meant is not None:
            return meant.or_ask and meant.meant in answer.near[:SPOKEN_MAX]
        if meant.nothing:
            return not answer.near and not answer.kind
        # what is not among the first few is not said to the caller
        spoken = answer.near[:SPOKEN_MAX] if len(meant.ask) <= SPOKEN_MAX else answer.near
        return set(meant.ask) <= set(spoken)


def phrasings(folder: Path = PHRASINGS) -> Iterator[Phrasing]:
    """All phrasings of the folder. ValueError for one that is labelled amiss."""
    for path in sorted(folder.glob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        for split in SPLITS:
            for row in document[split] or ():
                yield _phrasing(path.stem, split, document["branch"], row)


def _phrasing(file: str, split: str, branch: str, row: Mapping[str, Any]) -> Phrasing:
    labels = _LABELS & set(row)
    if len(labels - {"or_ask"}) != 1 or set(row) - labels - {"say", "of"}:
        raise ValueError(f"{file}: {row} must have one label")
    return Phrasing(
        file=file,
        split=split,
        branch=branch,
        say=row["say"],
        of=row.get("of"),
        meant=row.get("option" if "of" in row else "item"),
        or_ask=row.get("or_ask", False),
        ask=tuple(row.get("ask", ())),
        kind=tuple(row.get("kind", ())),
        nothing=row.get("nothing", False),
    )


@cache
def menu_of(branch: str) -> Menu:
    return parse_branch(yaml.safe_load((BRANCHES / f"{branch}.yaml").read_text())).menu


def answer(phrasing: Phrasing) -> Answer:
    """As the tools ask: the name of an item, else a kind of one, else what it may have meant."""
    menu = menu_of(phrasing.branch)
    if phrasing.of is not None:
        match = resolve_option(phrasing.say, menu.items[ItemId(phrasing.of)], menu)
        return Answer(match.found, match.near, ())
    match = resolve_item(phrasing.say, menu)
    kind = resolve_kind(phrasing.say, menu) if match.found is None else None
    return Answer(match.found, (kind[0],) if kind else match.near, kind or ())


def judge(all_phrasings: Iterable[Phrasing]) -> list[Verdict]:
    return [Verdict(phrasing, answer(phrasing)) for phrasing in all_phrasings]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of phrasings. `top_1` is of those alone that mean one thing for certain."""

    count: int
    right: float
    top_1: float
    wrong: float
    wrong_count: int

    @property
    def good_enough(self) -> bool:
        return self.right >= RIGHT_MIN and self.top_1 >= RIGHT_MIN and self.wrong <= WRONG_MAX


def figures(verdicts: list[Verdict]) -> Figures:
    certain = [v for v in verdicts if v.phrasing.meant is not None and not v.phrasing.or_ask]
    wrong = sum(v.wrong_guess for v in verdicts)
    return Figures(
        count=len(verdicts),
        right=sum(v.right for v in verdicts) / max(1, len(verdicts)),
        top_1=sum(v.right for v in certain) / max(1, len(certain)),
        wrong=wrong / max(1, len(verdicts)),
        wrong_count=wrong,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, help="one half only")
    parser.add_argument("--menu", default="", help="only files whose name begins so")
    args = parser.parse_args()
    chosen = [p for p in phrasings() if p.file.startswith(args.menu) and args.split in (None, p.split)]
    judge(chosen)  # the indexes are made once for each menu; the time below is without that
    began = time.perf_counter()
    verdicts = judge(chosen)
    each_ms = (time.perf_counter() - began) * 1_000 / max(1, len(verdicts))
    rows = [
        (f"{file} {split}", [v for v in verdicts if (v.phrasing.file, v.phrasing.split) == (file, split)])
        for file in dict.fromkeys(p.file for p in chosen)
        for split in SPLITS
    ]
    rows += [(f"all {split}", [v for v in verdicts if v.phrasing.split == split]) for split in SPLITS]
    rows.append(("all", verdicts))
    print(f"{'phrasings':<34}{'count':>6}{'right':>9}{'top-1':>9}{'wrong guesses':>16}")
    for name, some in rows:
        if some:
            f = figures(some)
            print(f"{name:<34}{f.count:>6}{f.right:>9.1%}{f.top_1:>9.1%}{f.wrong_count:>8} {f.wrong:>7.2%}")
    for verdict in verdicts:
        if not verdict.right:
            said = verdict.phrasing
            where = f"{said.file} {said.split}" + (f", {said.of}" if said.of else "")
            word = "WRONG" if verdict.wrong_guess else "miss "
            print(f"{word} {where}: {said.say!r} means {said.label}; answer: {verdict.answer}")
    print(f"{each_ms:.3f} ms for each name")
    return 0 if figures(verdicts).good_enough else 1


if __name__ == "__main__":
    sys.exit(main())
