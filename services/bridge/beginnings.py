"""How a leg begins. The first one with what ``orders`` knows of the caller's cart; a later one takes the call over.

past = await beginnings.past(facts)                    # before anything of the new leg is written
beginning = await beginnings.of(facts, trace, past)    # Superseded when a later leg has the call
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agiza.runtime.logs import get_logger
from agiza.runtime.metrics import Metrics
from agiza.runtime.traces import Trace
from services.bridge.openings import Opening, Openings
from services.bridge.past import Past, Pasts
from services.bridge.session import CallFacts
from services.bridge.taking_over import TakeOvers

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Asks ``orders`` and the call's record."""

    openings: Openings
    take_overs: TakeOvers
    pasts: Pasts
    metrics: Metrics

    async def past(self, facts: CallFacts) -> Past:
        """What the legs before have left behind. Never raises."""
        return await self.pasts.before(facts)

    async def of(self, facts: CallFacts, trace: Trace, past: Past) -> Opening:
        """The opening of this leg. Raises :class:`~services.bridge.taking_over.Superseded`, and nothing else."""
        if not facts.leg_epoch:
            return await self.openings.of(facts)
        answer = await self.take_overs.of(facts, trace)
        if answer is None:
            return Opening(resumed="leg", past=replace(past, handle=None))
        # The model session of before knows nothing of what came into the cart after its handle: then it is begun anew.
        is_told = past.cart_version == answer.cart_version
        return Opening(
            resumed="leg" if answer.resumed == "none" else answer.resumed,
            lines=answer.lines,
            total=answer.total,
            placed=answer.placed,
            cart_version=answer.cart_version,
            past=past if is_told else replace(past, handle=None),
        )

    def note_first(self, facts: CallFacts, is_resumed: bool) -> None:
        """The leg begins with the model session of the leg before, or with a new one."""
        if facts.leg_epoch:
            how = "resumed" if is_resumed else "new"
            self.metrics.add("calls_resumed_total", model=how)
            _log.info("leg_goes_on", model=how)
