"""A trigram language model from sentences, in the ARPA format that the recogniser reads.

Two things let it follow a caller off the sentences it was made from. A context that was followed by many different
words leaves more to chance (Witten-Bell). And where the last two words do not help, a word counts by how many
different words it was seen behind, not by how often (Kneser-Ney): "order" is frequent, but only ever behind "to", "my".
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

Gram = tuple[str, ...]
_START, _END = "<s>", "</s>"
_ORDER = 3
_NEVER = -99.0


def write_trigram(
    sentences: Iterable[str], path: Path, *, background: Mapping[str, float] | None = None, share: float = 0.0
) -> None:
    """An ARPA file of the sentences' words; of the lowest order, `share` goes to `background` (word: probability)."""
    counts = _counts(sentences)
    followers: list[defaultdict[Gram, int]] = [defaultdict(int) for _ in range(_ORDER)]
    totals: list[defaultdict[Gram, int]] = [defaultdict(int) for _ in range(_ORDER)]
    for order in range(_ORDER):
        for gram, count in counts[order].items():
            followers[order][gram[:-1]] += 1
            totals[order][gram[:-1]] += count
    unigrams = _unigrams(counts[0], background or {}, share)
    chances: list[dict[Gram, float]] = [unigrams]
    for order in range(1, _ORDER):
        lower, chance = chances[order - 1], {}
        for gram, count in counts[order].items():
            context = gram[:-1]
            kinds, total = followers[order][context], totals[order][context]
            chance[gram] = (count + kinds * lower[gram[1:]]) / (total + kinds)
        chances.append(chance)
    _write(chances, followers, totals, path)


def _counts(sentences: Iterable[str]) -> list[Counter[Gram]]:
    """Of the highest order, and of those that begin a sentence, how often; of the others, behind how many words."""
    often: list[Counter[Gram]] = [Counter() for _ in range(_ORDER)]
    for sentence in sentences:
        words = (_START, *sentence.split(), _END)
        for order in range(1, _ORDER):
            often[order].update(zip(*(words[shift:] for shift in range(order + 1)), strict=False))
    counts: list[Counter[Gram]] = [Counter() for _ in range(_ORDER)]
    counts[-1] = often[-1]
    for order in range(1, _ORDER):
        counts[order - 1].update(gram[1:] for gram in often[order])
    for order in range(1, _ORDER - 1):
        counts[order].update({gram: count for gram, count in often[order].items() if gram[0] == _START})
    return counts


def _unigrams(seen: Counter[Gram], background: Mapping[str, float], share: float) -> dict[Gram, float]:
    total = sum(seen.values())
    weight = sum(background.values())
    if not weight:
        share = 0.0
    chances = {gram: (1 - share) * count / total for gram, count in seen.items()}
    for word, chance in background.items():
        chances[word,] = chances.get((word,), 0.0) + share * chance / weight
    return chances


def _write(
    chances: list[dict[Gram, float]],
    followers: list[defaultdict[Gram, int]],
    totals: list[defaultdict[Gram, int]],
    path: Path,
) -> None:
    chances[0][_START,] = 0.0
    lines = ["\\data\\", *(f"ngram {order + 1}={len(chance)}" for order, chance in enumerate(chances)), ""]
    for order, chance in enumerate(chances):
        lines.append(f"\\{order + 1}-grams:")
        for gram in sorted(chance):
            line = f"{math.log10(chance[gram]) if chance[gram] > 0 else _NEVER:.4f}\t{' '.join(gram)}"
            if order + 1 < _ORDER:
                kinds, total = followers[order + 1][gram], totals[order + 1][gram]
                line += f"\t{math.log10(kinds / (total + kinds)) if kinds else 0.0:.4f}"
            lines.append(line)
        lines.append("")
    lines.append("\\end\\\n")
    path.write_text("\n".join(lines), encoding="utf-8")
