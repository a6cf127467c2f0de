"""Hours in a branch document: those of the branch, of its people, and of the parts of its day."""

from collections.abc import Mapping
from typing import cast

from agiza.domain.document import Node
from agiza.domain.hours import HoursError, OpeningHours, parse_hours


def read_hours(node: Node, key: str, timezone: str) -> OpeningHours:
    """The hours under `key`; no hours at all, and a noted mistake, where it says none."""
    value = node.raw(key)
    text: str | Mapping[str, str]
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping) and all(isinstance(part, str) for pair in value.items() for part in pair):
        text = cast(Mapping[str, str], value)
    else:
        node.note(key, 'must be hours such as "07:00-23:00", or days with hours')
        return OpeningHours(timezone, ())
    try:
        return parse_hours(text, timezone)
    except HoursError as error:
        node.note(key, str(error))
        return OpeningHours(timezone, ())


def read_day_parts(root: Node, timezone: str) -> dict[str, OpeningHours]:
    """`day_parts` of the document: hours by the name that items and categories use. May be left out."""
    parts: dict[str, OpeningHours] = {}
    for part_id, node in root.children("day_parts"):
        parts[part_id] = read_hours(node, "hours", timezone)
        node.finish()
    return parts


def served_hours(node: Node, parts: Mapping[str, OpeningHours], otherwise: OpeningHours | None) -> OpeningHours | None:
    """The hours of the day parts that the node names, together; `otherwise` where it names none."""
    if not node.has("day_parts"):
        node.raw("day_parts")
        return otherwise
    names = node.texts("day_parts")
    for name in names:
        if name not in parts:
            node.note("day_parts", f"there is no day part {name!r}")
    known = [parts[name] for name in names if name in parts]
    if not known:
        return otherwise
    windows = sorted({window for hours in known for window in hours.windows}, key=lambda w: (w.day, w.opens_minute))
    return OpeningHours(known[0].timezone, tuple(windows))
