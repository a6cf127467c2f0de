"""A later leg takes its call over: ``orders`` is told first, so that nothing of an older leg counts any more.

The way there is that of tool calls: the call's own partition, and after :data:`STREAM_S` without an answer the same
event with the same id over HTTP. Whoever holds an older leg is told by ``orders`` after its commit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from agiza.contracts.events import CallTakenOver, TakeOverAnswered
from agiza.runtime.logs import get_logger
from agiza.runtime.traces import Trace
from services.bridge.outlet import Outlet
from services.bridge.replies import Replies
from services.bridge.session import CallFacts

STREAM_S: Final = 0.4
ASK_S: Final = 1.5
"""A caller hears nothing while this is asked. Without an answer the leg goes on: the event is still on its stream, and
every tool call of the leg raises the same fence."""

_log = get_logger(__name__)


class Superseded(Exception):
    """A leg that is later still has this call: this one has no business with it."""

    retryable = False


@dataclass(frozen=True, slots=True)
class TakeOvers:
    """Asks ``orders``."""

    outlet: Outlet
    replies: Replies

    async def of(self, facts: CallFacts, trace: Trace) -> TakeOverAnswered | None:
        """The answer, or None when none came in time. Raises :class:`Superseded`."""
        event = CallTakenOver(
            branch_id=facts.branch_id,
            call_id=facts.call_id,
            menu_version=facts.menu_version,
            leg_epoch=facts.leg_epoch,
            language=facts.language,
            reply_to=self.replies.channel,
        )
        request_id = f"{facts.call_id}:{facts.leg_epoch}:taken_over"
        stamped = self.outlet.stamp(event, trace, id=request_id)
        answer: object = None
        with self.replies.awaited(request_id) as answered:
            try:
                async with asyncio.timeout(ASK_S):
                    await self.outlet.send(stamped)
                    await asyncio.wait((answered,), timeout=STREAM_S)
                    answer = answered.result() if answered.done() else await self.outlet.ask_orders(stamped)
            except TimeoutError:
                answer = answered.result() if answered.done() else None
        if not isinstance(answer, TakeOverAnswered):
            _log.warning("take_over_unanswered")
            return None
        if answer.status == "superseded":
            raise Superseded
        return answer
