"""What can go wrong with what others send.

PosError
+-- Malformed       a message that cannot be opened; the same bytes will never be right
+-- LedgerInUse     another POS works with this ledger
"""

from __future__ import annotations


class PosError(Exception):
    """The sample POS cannot do this."""


class Malformed(PosError):
    """Not a message. The text never repeats its content."""


class LedgerInUse(PosError):
    """Two processes would print every ticket twice."""
