"""What the leg before has left behind in the call's record: for the one who goes on with the call.

All of it is a help and nothing more. The cart comes from ``orders``, and a call whose record is lost goes on without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.clock import Clock
from agiza.runtime.logs import get_logger
from agiza.runtime.redis_clients import Client
from services.bridge.session import CallFacts
from services.bridge.session.facts import HANDLE_AGE_MS
from services.bridge.session.said import SAID_LAST, Said, part_heard, said_line

LINES_MAX: Final = 12
LINE_CHARS_MAX: Final = 300

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the legs before. ``handle`` brings the model session back, as it was when the cart had
    ``cart_version``. ``language``: what was spoken at last; None where not known."""

    said: tuple[Said, ...] = ()
    handle: str | None = None
    cart_version: int = 0
    language: str | None = None


NOTHING: Final = Past()


class Pasts:
    """Reads records."""

    def __init__(self, redis: Client, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def before(self, facts: CallFacts) -> Past:
        """What came before this leg. To be read before the leg writes its own record. Never raises."""
        if not facts.leg_epoch:
            return NOTHING
        try:
            pipe: Any = self._redis.pipeline(transaction=True)  # redis-py types its pipelines as clients
            pipe.hgetall(streams.session_key(facts.call_id))
            pipe.lrange(streams.session_turns_key(facts.call_id), -LINES_MAX, -1)
            record, lines = await pipe.execute()
            seen: Any = await self._redis.zscore(streams.BRIDGES_SEEN, record.get("bridge_id", ""))
            return past_of(record, lines, seen_ms=int(float(seen or 0) * 1000), now_ms=self._now_ms())
        except (RedisError, ValueError, KeyError, TypeError) as error:
            _log.warning("past_unknown", why=type(error).__name__)
            return NOTHING

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def past_of(record: Mapping[str, str], lines: Sequence[str], *, seen_ms: int, now_ms: int) -> Past:
    """The record and the last lines of a call, as they tell it. ``seen_ms``: when its bridge was last seen.

    A handle is left out where it is too old, or where a function was being carried out: what the model session waited
    for will not come. Raises ValueError, KeyError or TypeError for what this code has not written.
    """
    said = _said(record, [json.loads(line) for line in lines])
    saying = record.get("pii_saying", "")[:LINE_CHARS_MAX]
    if saying:
        if not any((turn.who, turn.pii_text) == ("agent", saying) for turn in said[-2:]):
            said.append(Said("agent", saying))  # it was still being said
        place = max(n for n, turn in enumerate(said) if (turn.who, turn.pii_text) == ("agent", saying))
        if said[place].heard is None:
            said[place] = replace(said[place], heard=_heard(record, max(seen_ms, int(record.get("at", "0")))))
    is_fresh = now_ms - int(record.get("handle_at", "0")) < HANDLE_AGE_MS
    may_resume = is_fresh and record.get("tools_pending", "0") == "0"
    return Past(
        said=tuple(said[-LINES_MAX:]),
        handle=(record.get("handle") or None) if may_resume else None,
        cart_version=int(record.get("handle_cart") or 0),
        language=record.get("language"),
    )


def _said(record: Mapping[str, str], turns: Sequence[dict[str, Any]]) -> list[Said]:
    """The lines, with how much was heard of those that were cut off: while they were said, as the line itself tells,
    or when they were written already, as the record tells of the newest one."""
    said = [Said(turn["who"], turn["text"][:LINE_CHARS_MAX], _part_of(turn, "")) for turn in turns]
    if record.get("cut_turn_at_ms"):
        cut_at_ms = int(record["cut_turn_at_ms"])
        for place in range(len(turns) - 1, -1, -1):
            if said[place].who == "agent" and turns[place]["at_ms"] == cut_at_ms:
                said[place] = replace(said[place], heard=_part_of(record, "cut_"))
                break
    return said


def _part_of(fields: Mapping[str, Any], prefix: str) -> float | None:
    """The part that was heard, of a line or the record; None where they say nothing of it."""
    heard_ms, length_ms = fields.get(prefix + "heard_ms"), fields.get(prefix + "length_ms")
    return None if heard_ms is None or length_ms is None else part_heard(int(heard_ms), int(length_ms))


def _heard(record: Mapping[str, str], seen_ms: int) -> float | None:
    """Which part of the agent's newest words was surely heard, while the bridge was there to play them."""
    length_ms = int(record.get("saying_ms", "0"))
    if not length_ms:
        return None
    if record.get("heard_ms"):
        return part_heard(int(record["heard_ms"]), length_ms)
    begins_ms = int(record["opened_at"]) + int(record["saying_until_ms"]) - length_ms
    return part_heard(seen_ms - begins_ms, length_ms)


def in_words(past: Past) -> str:
    """The last lines, for the model's instruction: a record to go on from, and no order to anybody."""
    if not past.said:
        return ""
    return "\n".join((SAID_LAST, *map(said_line, past.said)))
