"""How long a branch's kitchen may be silent about an order, as its file says it."""

from agiza.domain.document import Node
from agiza.domain.menu_model import Kitchen

ACCEPT_MINUTES = "accept_minutes"
"""Where files of before have the time for accepting, within `escalation`."""

_SECONDS_MIN = 10
_SECONDS_MAX = 2 * 60 * 60
_ACCEPT_MINUTES_MAX = 120


def parse_kitchen(node: Node) -> Kitchen:
    """What stands under `kitchen`. A file of before that has only `escalation.accept_minutes` means what it meant:
    that time for accepting, and the branch is rung as soon as it is over."""
    minutes = _accept_minutes(node)
    if not node.has("kitchen"):
        node.raw("kitchen")
        return Kitchen(accepted_seconds=60 * minutes, ring_after_seconds=0) if minutes else Kitchen()
    child = node.node("kitchen")
    if minutes:
        node.note("escalation.accept_minutes", "is kitchen.accepted_seconds now, which the file has: take it out")
    usual = Kitchen()
    kitchen = Kitchen(
        received_seconds=_seconds(child, "received_seconds", 0),
        accepted_seconds=_seconds(child, "accepted_seconds", 0),
        ring_after_seconds=_seconds(child, "ring_after_seconds", usual.ring_after_seconds),
    )
    child.finish()
    if not child.has("received_seconds") and not child.has("accepted_seconds"):
        node.note("kitchen", "must say received_seconds, accepted_seconds or both; without them take it out")
    if 0 < kitchen.accepted_seconds <= kitchen.received_seconds:
        child.note("accepted_seconds", "must be longer than received_seconds: both are counted from placing")
    return kitchen


def _seconds(node: Node, key: str, usual: int) -> int:
    return node.integer(key, low=_SECONDS_MIN, high=_SECONDS_MAX, default=usual)


def _accept_minutes(node: Node) -> int:
    if not node.has("escalation") or not isinstance(node.raw("escalation"), dict):
        return 0
    return node.node("escalation").integer(ACCEPT_MINUTES, low=0, high=_ACCEPT_MINUTES_MAX, default=0)
