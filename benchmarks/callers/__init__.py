"""Corpora of simulated callers: what they say, and the ticket that must come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from agiza.cli.result import CallResult
from agiza.domain.menu import BranchFile

FOLDER = Path(__file__).parent

Expected = Literal["placed", "handoff", "no_order"]


@dataclass(frozen=True, slots=True)
class CorpusCaller:
    """One caller. ``ticket`` holds (item, options that differ from the defaults) -> quantity."""

    id: str
    branch: str
    say: tuple[str, ...]
    outcome: Expected
    ticket: Mapping[tuple[str, tuple[str, ...]], int]


def load_callers(name: str) -> list[CorpusCaller]:
    """The corpus ``name`` of this folder."""
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [_caller(entry) for entry in document["callers"]]


def ticket_of(result: CallResult, branch: BranchFile) -> Mapping[tuple[str, tuple[str, ...]], int]:
    """What was placed in the call, all its orders together, in the corpus' form."""
    ticket: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for order in result.orders:
        for line in order["lines"]:
            defaults = _defaults(branch, line["item"])
            options = [
                option["id"]
                for option in line["options"]
                for _ in range(option["quantity"])
                if option["id"] not in defaults
            ]
            ticket[(line["item"], tuple(sorted(options)))] += line["quantity"]
    return dict(ticket)


def is_exact(caller: CorpusCaller, result: CallResult, branch: BranchFile) -> bool:
    """Whether the call ended as it should, with exactly the ticket that was spoken."""
    return result.outcome == caller.outcome and ticket_of(result, branch) == dict(caller.ticket)


def _caller(entry: Mapping[str, Any]) -> CorpusCaller:
    ticket: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for line in entry["ticket"]:
        ticket[(line["item"], tuple(sorted(line.get("options", ()))))] += line["quantity"]
    outcome: Expected = entry.get("outcome", "placed" if ticket else "no_order")
    return CorpusCaller(entry["id"], entry["branch"], tuple(entry["say"]), outcome, dict(ticket))


def _defaults(branch: BranchFile, item_id: str) -> set[str]:
    item = branch.menu.item(item_id)
    return {option for group in item.groups for option in group.default} if item else set()
