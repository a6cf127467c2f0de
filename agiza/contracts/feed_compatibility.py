"""Whether a new AsyncAPI document breaks subscribers that were written by the old one.

    feed_breaks(old, new)

Each way to the events must stay where it was, carry the messages that it carried, and each message must still be read
by what was written for it: payload and headers are compared by :mod:`agiza.contracts.compatibility`. Further channels,
messages, operations and fields may come. A pure comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agiza.contracts.compatibility import Break, breaks, resolved

Document = Mapping[str, Any]

_PLACE: Final = ("address", "servers", "parameters")
_DOING: Final = ("action", "channel", "security")


def feed_breaks(old: Document, new: Document) -> tuple[Break, ...]:
    """Everything that breaks a subscriber, channel by channel."""
    return tuple(_breaks(old, new))


def _breaks(old: Document, new: Document) -> Iterator[Break]:
    for name, channel in old["channels"].items():
        where = f"channel {name}"
        now = new["channels"].get(name)
        if now is None:
            yield Break(where, "removed", "the channel went")
            continue
        yield from _same(channel, now, _PLACE, where)
        yield from _messages(channel, now, old, new, where)
    for name, operation in old["operations"].items():
        where = f"operation {name}"
        if name not in new["operations"]:
            yield Break(where, "removed", "the operation went")
        else:
            yield from _same(operation, new["operations"][name], _DOING, where)
    for name, scheme in old["components"]["securitySchemes"].items():
        now = new["components"]["securitySchemes"].get(name, {})
        yield from _same(scheme, now, tuple(key for key in scheme if key != "description"), f"security scheme {name}")


def _same(old: Document, new: Document, members: tuple[str, ...], where: str) -> Iterator[Break]:
    """Of parameters only the names: what is said about them may be said better."""
    for member in members:
        was, now = (side.get(member) for side in (old, new))
        if member == "parameters":
            was, now = (sorted(side or {}) for side in (was, now))
        if was != now:
            yield Break(where, "type", f"{member} was {was!r} and is {now!r} now")


def _messages(channel: Document, now: Document, old: Document, new: Document, where: str) -> Iterator[Break]:
    for name, message in channel["messages"].items():
        place = f"{where} {name}"
        if name not in now["messages"]:
            yield Break(place, "removed", "the message went: a former version stays while it may be replayed")
            continue
        was, said = _whole(message, old), _whole(now["messages"][name], new)
        yield from _same(was, said, ("name", "contentType"), place)
        for part in ("payload", "headers"):
            yield from breaks(
                was.get(part, {}), said.get(part, {}), "reader", old_root=old, new_root=new, where=f"{place} {part}"
            )


def _whole(message: Any, root: Any) -> dict[str, Any]:
    """The message with what its traits say."""
    found = resolved(message, root)
    whole: dict[str, Any] = {}
    for trait in found.get("traits", ()):
        whole |= resolved(trait, root)
    return {**whole, **found}
