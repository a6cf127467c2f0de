"""W3C Trace Context: one id that runs from the carrier's callback through every event to the ticket.

    trace = Trace.new()                      # a call begins
    publish(event, trace.child())            # each hop has its own span
    Trace.parse(envelope.traceparent)        # the next service goes on

Only the ``traceparent`` header, version 00. A header that is not valid is ignored, as the standard demands: the
receiver starts a new trace. (https://www.w3.org/TR/trace-context/)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TRACE_BYTES: Final = 16
SPAN_BYTES: Final = 8
_SAMPLED: Final = 0x01
_HEADER: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

RandomHex = Callable[[int], str]
"""Number of bytes -> twice as many hex digits. Given in tests and simulations, where chance must repeat."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One span of one trace. ``str()`` is the traceparent header."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"

    @classmethod
    def new(cls, random_hex: RandomHex = secrets.token_hex) -> Trace:
        """The first span of a new trace."""
        return cls(_nonzero(random_hex, TRACE_BYTES), _nonzero(random_hex, SPAN_BYTES))

    @classmethod
    def parse(cls, header: str | None) -> Trace | None:
        """The trace of this header, or None when there is none or it is not valid."""
        if header is None:
            return None
        found = _HEADER.fullmatch(header.strip())
        if found is None:
            return None
        version, trace_id, span_id, flags, rest = found.groups()
        # Version ff is forbidden; version 00 has nothing after the flags; later versions may.
        if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))

    @classmethod
    def continued(cls, header: str | None, random_hex: RandomHex = secrets.token_hex) -> Trace:
        """A child of the caller's span, or a new trace when the header is absent or not valid."""
        parent = cls.parse(header)
        return cls.new(random_hex) if parent is None else parent.child(random_hex)

    def child(self, random_hex: RandomHex = secrets.token_hex) -> Trace:
        """The next span of the same trace."""
        return Trace(self.trace_id, _nonzero(random_hex, SPAN_BYTES), self.sampled)


def _nonzero(random_hex: RandomHex, length: int) -> str:
    """All zeros is the standard's word for "no id"."""
    while True:
        digits = random_hex(length)
        if int(digits, 16):
            return digits
