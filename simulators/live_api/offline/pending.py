"""Questions that the agent has asked and waits on."""

from dataclasses import dataclass, field

from simulators.live_api.offline.choosing import Offered
from simulators.live_api.offline.intents import Add, AddWhich, Intent, Replace
from simulators.live_api.offline.turns import ToolRequest


@dataclass(frozen=True, slots=True)
class Confirm:
    """A yes or no. Yes means `intents`; no leads to `declined`.

    `parts` are those that are still to be asked about one by one, before the yes holds for all.
    """

    question: str
    intents: tuple[Intent, ...]
    requests: tuple[ToolRequest, ...] = ()
    declined: str = ""
    checks_hearing: bool = False
    parts: tuple[Intent, ...] | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """The server asked back: one of `options` completes `request`."""

    question: str
    request: ToolRequest
    options: tuple[Offered, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """A wish that lacks its item (several are possible) or its number."""

    question: str
    wish: Add | AddWhich | Replace
    options: tuple[Offered, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Missing:
    """Something in the caller's own words: the address, the number to ring back."""

    question: str
    argument: str


Pending = Confirm | Choose | Open | Missing
