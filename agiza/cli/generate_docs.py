"""Write the pages under docs/generated from the code; ``--check`` fails when one of them is out of date.

python -m agiza.cli.generate_docs [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from agiza.contracts.asyncapi import document as feed_document
from agiza.contracts.asyncapi import internal_document
from agiza.contracts.events import EVENTS
from agiza.contracts.released import former_schemas
from agiza.contracts.schemas import schemas
from agiza.contracts.tools import declarations
from agiza.domain.menu import parse_branch
from agiza.domain.orders import TRANSITIONS, OrderState, allowed
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.metric_names import COUNTERS, GAUGES, HISTOGRAMS
from agiza.runtime.redis_users import RIGHTS
from agiza.runtime.roles import TABLES
from services.bridge.session.model_life import TABLE as MODEL_TABLE
from services.bridge.session.phases import TABLE
from services.orders.public_api.document import document

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/generated"
StateT = TypeVar("StateT", bound=StrEnum)
TriggerT = TypeVar("TriggerT", bound=StrEnum)
NOTE = "<!-- Made by `make docs` from the code. Do not edit. -->\n"


def pages() -> dict[str, str]:
    """Every generated file by name."""
    return {
        "asyncapi.json": _json(feed_document()),
        "asyncapi-internal.json": _json(internal_document()),
        "events.md": _events(),
        "metrics.md": _metrics(),
        "orders-api.json": _json(document()),
        "order-states.md": _order_states(),
        "ownership.md": _ownership(),
        "session-phases.md": _phases(),
        "tools.json": _tools(),
        **{f"schemas/{name}.json": _json(schema) for name, schema in (former_schemas() | schemas()).items()},
    }


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _events() -> str:
    rows = [
        f"| `{event.type}` | {event.version} | {_first_line(event.__doc__)} | {_patterns(tuple(event.model_fields))} |"
        for event in EVENTS
    ]
    head = ["# Events", "", "| type | version | meaning | fields of `data` |", "|---|---|---|---|"]
    return NOTE + "\n".join([*head, *rows]) + "\n"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _metrics() -> str:
    def rows() -> Iterator[str]:
        for name, counter in COUNTERS.items():
            yield f"| `{name}` | counter | {', '.join(counter.labels)} | {counter.meaning} |"
        for gauge_name, gauge in GAUGES.items():
            yield f"| `{gauge_name}` | gauge | {', '.join(gauge.labels)} | {gauge.meaning} |"
        for histogram_name, histogram in HISTOGRAMS.items():
            yield f"| `{histogram_name}` | histogram | {', '.join(histogram.labels)} | {histogram.meaning} |"

    head = ["# Metrics", "", "| name | kind | labels | meaning |", "|---|---|---|---|"]
    return NOTE + "\n".join([*head, *rows()]) + "\n"


def _ownership() -> str:
    tables = [
        f"| `{table}` | {access.writer}{' (adds only)' if access.adds_only else ''} | {', '.join(access.readers)} |"
        for table, access in sorted(TABLES.items())
    ]
    users = [
        f"| {user} | {_patterns(rights.keys)} | {_patterns(rights.added_to)} | {_patterns(rights.read)} "
        f"| {_patterns(rights.channels)} |"
        for user, rights in RIGHTS.items()
    ]
    return (
        NOTE
        + "\n".join(
            [
                "# Who may touch what",
                "",
                "## Tables: one writing role each",
                "",
                "| table | writer | readers |",
                "|---|---|---|",
                *tables,
                "",
                "## Redis: one user per service",
                "",
                "| user | reads and writes | only adds to | only reads | channels |",
                "|---|---|---|---|---|",
                *users,
            ]
        )
        + "\n"
    )


def _patterns(patterns: tuple[str, ...]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)


def _phases() -> str:
    leg, model = _diagram(TABLE), _diagram(MODEL_TABLE)
    return NOTE + "\n".join(["# Phases of a leg's session", "", *leg, "", "## Its model sessions", "", *model]) + "\n"


def _diagram(table: Mapping[tuple[StateT, TriggerT], StateT]) -> list[str]:
    arrows = [
        f"    {state.name} --> {following.name}: {trigger.name}"
        for (state, trigger), following in table.items()
        if following is not state
    ]
    return ["```mermaid", "stateDiagram-v2", *arrows, "```"]


def _order_states() -> str:
    arrows = [
        f"    {state.name} --> {following.name}"
        for state, followings in TRANSITIONS.items()
        for following in OrderState
        if following in followings
    ]
    words = [
        f"| `{state}` | {', '.join(f'`{word}`' for word in allowed(state)) or 'nothing'} |" for state in OrderState
    ]
    return NOTE + "\n".join(
        [
            "# States of an order", "", "```mermaid", "stateDiagram-v2", *arrows, "```", "",
            "| an order that is | may be told by a POS to be |", "|---|---|", *words, "",
        ]
    )  # fmt: skip


def _tools() -> str:
    branch = next(loaded for loaded in load_branch_files(ROOT / "branches") if loaded.file.branch.id == "westlands")
    file = parse_branch(branch.document)
    return json.dumps(declarations(file.menu, file.branch), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them."""
    (FOLDER / "schemas").mkdir(parents=True, exist_ok=True)
    made, stale = pages(), []
    for path in (FOLDER / "schemas").iterdir():
        if f"schemas/{path.name}" in made:
            continue
        stale.append(f"schemas/{path.name}")  # of an event that is no more
        if "--check" not in arguments:
            path.unlink()
    for name, content in made.items():
        path = FOLDER / name
        if path.exists() and path.read_text() == content:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(content)
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(stale)}; run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
