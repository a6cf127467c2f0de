"""How well the ears hear: word error rate, exact sequences, agreement, and the worst error: agreeing on a wrong text.

    .venv/bin/python -m benchmarks.eval_ears [--split tune|held_out] [--voice piper --voice espeak] [--show]

Utterances: benchmarks/utterances/tuned.yaml, each synthesised, put between silence and fed to one Ear per voice and
menu, endpointing included. `--show` prints what was misheard, of the tune half only: the other half stays unread.
"""

import argparse
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from simulators.speech.ear import Ear, Utterance, close_idle_listeners
from simulators.speech.vocabulary import Name, Vocabulary
from simulators.speech.voices import EspeakVoice, PiperVoice, Voice
from simulators.speech.words import gist, normalise, same_words, stems

ROOT = Path(__file__).resolve().parent.parent
RATE = 16_000
VOICES = ("piper", "piper-fast", "espeak")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance to say, and where it belongs."""

    split: str
    topic: str
    menu: str
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    line: Line
    voice: str
    text: str
    agreed: bool

    @property
    def right(self) -> bool:
        return bool(self.text) and gist(self.text) == gist(self.line.text)


def lines(document: Document) -> Iterator[Line]:
    for split in ("tune", "held_out"):
        yield from (Line(split, "order", "branch", text) for text in document[split])
        yield from (Line(split, "order", "other", text) for text in document["other_menu"][split])
        yield from (Line(split, "off topic", "branch", text) for text in document["off_topic"][split])


def branch_vocabulary(branch: Document) -> Vocabulary:
    """What a branch file's menu calls its items and options, in all its languages."""

    def spoken(entry: Document) -> tuple[str, ...]:
        return (entry["name"], *(alias for aliases in entry.get("aliases", {}).values() for alias in aliases))

    items = [item for category in branch["categories"] for item in category["items"]]
    groups = branch["groups"]
    options: dict[str, tuple[str, ...]] = {}
    for group in groups.values():
        for option in group["options"]:
            options[option["id"]] = tuple(dict.fromkeys((*options.get(option["id"], ()), *spoken(option))))
    return Vocabulary(
        items=tuple(Name(item["id"], spoken(item)) for item in items),
        options=tuple(Name(option, phrases) for option, phrases in options.items()),
        options_of={
            item["id"]: tuple(option["id"] for group in item.get("groups", ()) for option in groups[group]["options"])
            for item in items
        },
    )


def other_vocabulary(menu: Document) -> Vocabulary:
    items, options = (
        tuple(Name(name["id"], tuple(name["spoken"])) for name in menu[kind]) for kind in ("items", "options")
    )
    return Vocabulary(items, options)


@cache
def voice(name: str) -> Voice:
    match name:
        case "piper":
            return PiperVoice(RATE)
        case "piper-fast":
            return PiperVoice(RATE, pace=1.2)
        case _:
            return EspeakVoice(RATE)


def listen(ear: Ear, sound: bytes) -> tuple[str, bool, list[str]]:
    """(text, agreed, alternatives) of one utterance; several pieces are joined and count as agreed when all are."""
    pcm = bytes(RATE) + sound + bytes(2 * RATE)
    events = [event for at in range(0, len(pcm), 640) for event in ear.feed(pcm[at : at + 640])]
    heard = [event for event in events if isinstance(event, Utterance)]
    agreed = bool(heard) and all(event.agreed for event in heard)
    return " ".join(event.text for event in heard), agreed, [text for event in heard for text in event.alternatives]


def cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def word_errors(want: tuple[str, ...], got: tuple[str, ...]) -> int:
    row = list(range(len(got) + 1))
    for count, wanted in enumerate(want, 1):
        above, row[0] = row[:], count
        for at, heard in enumerate(got, 1):
            row[at] = min(above[at] + 1, row[at - 1] + 1, above[at - 1] + (wanted != heard))
    return row[-1]


def report(heard: list[Heard]) -> None:
    print(f"{'':38} {'WER':>6} {'exact':>9} {'right':>9} {'agreed':>9} {'WRONG BUT AGREED':>18}")
    for split in ("tune", "held_out"):
        for topic in ("order", "off topic"):
            for name in VOICES:
                rows = [one for one in heard if (one.line.split, one.line.topic, one.voice) == (split, topic, name)]
                if rows:
                    print(f"{f'{topic}, {split}, {name}':38} {_figures(rows)}")


def _figures(rows: list[Heard]) -> str:
    errors = sum(
        0 if same_words(one.line.text, one.text) else word_errors(stems(one.line.text), stems(one.text)) for one in rows
    )
    total, words = len(rows), sum(len(stems(one.line.text)) for one in rows)
    exact = sum(same_words(one.line.text, one.text) for one in rows)
    agreed = [one for one in rows if one.agreed]
    wrong = sum(not one.right for one in agreed)
    counts = [f"{count}/{total}" for count in (exact, sum(one.right for one in rows), len(agreed), wrong)]
    return f"{100 * errors / words:5.1f}% {counts[0]:>9} {counts[1]:>9} {counts[2]:>9} {counts[3]:>18}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the ears on synthesised utterances.")
    parser.add_argument("--split", choices=("tune", "held_out"))
    parser.add_argument("--voice", choices=VOICES, action="append")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--branch", type=Path, default=ROOT / "branches" / "westlands.yaml")
    asked = parser.parse_args()
    document = yaml.safe_load((ROOT / "benchmarks" / "utterances" / "tuned.yaml").read_text(encoding="utf-8"))
    vocabularies = {
        "branch": branch_vocabulary(yaml.safe_load(asked.branch.read_text(encoding="utf-8"))),
        "other": other_vocabulary(document["other_menu"]),
    }
    chosen = [line for line in lines(document) if asked.split in {None, line.split}]
    heard: list[Heard] = []
    sound_s = busy_s = 0.0
    for name in asked.voice or VOICES:
        sounds = {line: voice(name).synthesize(line.text) for line in chosen}
        sound_s += sum(map(len, sounds.values())) / 2 / RATE
        ears = {menu: Ear(vocabulary) for menu, vocabulary in vocabularies.items()}
        for ear in ears.values():
            ear.feed(bytes(RATE))
            ear.load()
        started = cpu_s()
        for line, sound in sounds.items():
            text, agreed, others = listen(ears[line.menu], sound)
            heard.append(Heard(line, name, text, agreed))
            if asked.show and line.split == "tune" and not (heard[-1].right and agreed):
                mark = "WRONG" if agreed else "unsure"
                print(f"{mark:6} {name:10} {normalise(line.text)!r} -> {text!r} {others}", file=sys.stderr)
        for ear in ears.values():
            ear.close()
        close_idle_listeners()
        busy_s += cpu_s() - started
    report(heard)
    print(f"{busy_s / sound_s:.3f} CPU s per s of speech (detector, decoders and their start), {sound_s:.0f} s of it")


if __name__ == "__main__":
    main()
