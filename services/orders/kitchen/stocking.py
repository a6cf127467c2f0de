"""The sold-out panel: what the menu has, and a switch for each of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from agiza.domain.menu import BranchFile
from services.orders.stock import SoldOut

JsonObject = dict[str, Any]

Lasts = Literal["open", "hour", "day"]
"""Until it is taken back; for an hour; until the next morning."""

MORNING_HOUR: Final = 5
"""When a kitchen's day begins: what was sold out for the day is there again."""


def menu_of(file: BranchFile) -> list[JsonObject]:
    """Everything that can be sold out, by name: items, and the options of groups. ``kitchen`` is also searched."""
    found: list[JsonObject] = [
        {"kind": "item", "entry": item.id, "name": item.name, "kitchen": item.kitchen, "group": None}
        for item in file.menu.items.values()
    ]
    found += [
        {
            "kind": "option",
            "entry": f"{group.id}/{option.id}",
            "name": option.name,
            "kitchen": option.kitchen,
            "group": group.name,
        }
        for group in file.menu.groups.values()
        for option in group.options
    ]
    return sorted(found, key=lambda each: (str(each["name"]).casefold(), each["entry"]))


def sold_out_of(entries: Sequence[SoldOut]) -> list[JsonObject]:
    """What the branch is out of, for screens: who said so stays in the database."""
    return [
        {"entry": each.entry, "name": each.name or each.entry, "until": each.until.isoformat() if each.until else None}
        for each in entries
    ]


def until(lasts: Lasts, now: datetime, timezone: str) -> datetime | None:
    """The moment at which it is there again; None: when somebody says so."""
    if lasts == "open":
        return None
    if lasts == "hour":
        return now + timedelta(hours=1)
    local = now.astimezone(ZoneInfo(timezone))
    morning = local.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)
