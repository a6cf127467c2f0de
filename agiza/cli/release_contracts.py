"""Compare today's contracts with what was released, and add what is new; a break is refused by name.

python -m agiza.cli.release_contracts [--check]

Written is what agrees with everything that was released: new events and versions, new routes, new fields. With
``--check`` nothing is written, and what is not released yet is named as well. docs/contracts.md says what may change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agiza.contracts.api_compatibility import api_breaks
from agiza.contracts.asyncapi import document as feed_document
from agiza.contracts.compatibility import Break, breaks
from agiza.contracts.feed_compatibility import feed_breaks
from agiza.contracts.released import FOLDER
from agiza.contracts.schemas import schemas
from services.orders.public_api.document import document as api_document

SHOWN_MAX: Final = 40
"""Breaks of one file that are printed."""

Compare = Callable[[Any, Any], tuple[Break, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one file: ``broken``, or ``new`` when the released one has less than today's."""

    path: Path
    broken: tuple[Break, ...]
    is_new: bool
    today: str


def contracts() -> Mapping[str, tuple[Any, Compare]]:
    """Today's contracts by the file that each is released in, with how two of them are compared."""
    made: dict[str, tuple[Any, Compare]] = {
        "orders-api.v1.json": (api_document(), api_breaks),
        "asyncapi.v1.json": (feed_document(), feed_breaks),
    }
    return made | {f"schemas/{name}.json": (schema, _schema_breaks) for name, schema in schemas().items()}


def _schema_breaks(old: Any, new: Any) -> tuple[Break, ...]:
    return breaks(old, new, "reader")


def findings(today: Mapping[str, tuple[Any, Compare]], folder: Path = FOLDER) -> Iterator[Finding]:
    """The files that are not as they should be. Files of former versions are left alone: they are done."""
    for name, (content, compare) in today.items():
        path = folder / name
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if not path.exists():
            yield Finding(path, (), True, text)
            continue
        released = json.loads(path.read_text())
        broken = compare(released, content)
        is_new = _bare(released) != _bare(json.loads(text))
        if broken or is_new:
            yield Finding(path, broken, is_new, text)


def _bare(content: Any) -> Any:
    """Without what only explains: a word said better is no release."""
    if isinstance(content, dict):
        return {
            name: _bare(value)
            for name, value in content.items()
            if not (name in {"description", "summary", "title"} and isinstance(value, str))
            and not (name == "examples" and isinstance(value, list))
        }
    return [_bare(one) for one in content] if isinstance(content, list) else content


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Write or, with ``--check``, only look."""
    found = list(findings(contracts(), folder))
    broken = [finding for finding in found if finding.broken]
    for finding in broken:
        print(f"{finding.path.name} breaks those who rely on it:", file=sys.stderr)
        for one in finding.broken[:SHOWN_MAX]:
            print(f"  {one}", file=sys.stderr)
    if broken:
        print("make it a new version instead, or take it back (docs/contracts.md)", file=sys.stderr)
        return 1
    if "--check" in arguments:
        if found:
            names = ", ".join(finding.path.name for finding in found)
            print(f"not released yet: {names}; run make contracts-baseline", file=sys.stderr)
        return 1 if found else 0
    for finding in found:
        finding.path.parent.mkdir(parents=True, exist_ok=True)
        finding.path.write_text(finding.today)
        print(f"released {finding.path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
