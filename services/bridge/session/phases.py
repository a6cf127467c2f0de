"""The phases of a call leg. This table is all there is: a pair that is not in it is a bug."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where the leg is."""

    CONNECTING = "connecting"
    """The carrier is here, the model is not yet."""
    GREETING = "greeting"
    """The model was asked to greet; its first turn is not over."""
    TALKING = "talking"
    HANDING_OVER = "handing_over"
    """A person will take over; the agent says so, then the stream is left."""
    FAREWELL = "farewell"
    """The agent has ended the conversation; its last words are still playing."""
    ENDED = "ended"
    """Nothing leaves this session any more."""


class Trigger(StrEnum):
    """What moves a leg from phase to phase."""

    MODEL_READY = "model_ready"
    GREETED = "greeted"
    HANDOVER_AGREED = "handover_agreed"
    GOODBYE_SAID = "goodbye_said"
    CALLER_WENT_ON = "caller_went_on"
    PERSON_ASKED = "person_asked"
    """Somebody wants a person, so the goodbye is none."""
    ORDER_IN_TROUBLE = "order_in_trouble"
    """The kitchen does not take the order, and the caller is still there to be told."""
    OVER = "over"


TABLE: Mapping[tuple[Phase, Trigger], Phase] = {
    (Phase.CONNECTING, Trigger.MODEL_READY): Phase.GREETING,
    (Phase.CONNECTING, Trigger.OVER): Phase.ENDED,
    (Phase.GREETING, Trigger.GREETED): Phase.TALKING,
    (Phase.GREETING, Trigger.OVER): Phase.ENDED,
    (Phase.TALKING, Trigger.HANDOVER_AGREED): Phase.HANDING_OVER,
    (Phase.TALKING, Trigger.GOODBYE_SAID): Phase.FAREWELL,
    (Phase.TALKING, Trigger.OVER): Phase.ENDED,
    (Phase.FAREWELL, Trigger.CALLER_WENT_ON): Phase.TALKING,
    (Phase.FAREWELL, Trigger.PERSON_ASKED): Phase.TALKING,
    (Phase.FAREWELL, Trigger.ORDER_IN_TROUBLE): Phase.TALKING,
    (Phase.FAREWELL, Trigger.OVER): Phase.ENDED,
    (Phase.HANDING_OVER, Trigger.OVER): Phase.ENDED,
}


class IllegalTransition(Exception):
    """A trigger in a phase that does not know it. Raised in strict sessions (tests), reported otherwise."""

    retryable = False


def next_phase(phase: Phase, trigger: Trigger) -> Phase:
    """The phase after ``trigger``. Raises :class:`IllegalTransition`."""
    try:
        return TABLE[(phase, trigger)]
    except KeyError:
        raise IllegalTransition(f"{trigger} in phase {phase}") from None
