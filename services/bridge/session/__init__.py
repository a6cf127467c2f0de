"""One call as a state machine without sockets, clock or randomness.

    session = CallSession(facts)
    actions = session.handle(Opened(), now)        # now: whole milliseconds of any monotonic clock
    deadline = session.next_deadline()             # call handle(Tick(), now) when it is reached

The driver carries out every action, in order, before it hands in the next input.
"""

from services.bridge.session.facts import CallFacts, Limits
from services.bridge.session.handover import Stage
from services.bridge.session.session import CallSession
from services.bridge.session.watch import Deadline

__all__ = ["CallFacts", "CallSession", "Deadline", "Limits", "Stage"]
