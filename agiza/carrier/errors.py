"""What the carrier's REST interface can answer instead of doing what it was asked.

One tree; no exception of it repeats a telephone number, a key or what the carrier wrote in its own words::

    CarrierApiError
        Refused             the carrier will not do it; asking again changes nothing
            WalletEmpty     402: no money left, a person has to act
        RateLimited         429 until the time was up; ``retry_after_s``
        Unreachable         no usable answer: not connected, timed out, 5xx
"""

from __future__ import annotations


class CarrierApiError(Exception):
    """The carrier did not do what it was asked. ``code`` is the carrier's own, or ours when it gave none."""

    retryable = False

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(f"{code} (HTTP {status})" if status else code)
        self.code = code
        self.status = status


class Refused(CarrierApiError):
    """A 4xx, or an answer that is no answer of the carrier."""


class WalletEmpty(Refused):
    """The workspace has no money for a call."""


class RateLimited(CarrierApiError):
    """Too many requests; not before ``retry_after_s`` (None: the carrier did not say)."""

    retryable = True

    def __init__(self, code: str, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(code, status)
        self.retry_after_s = retry_after_s


class Unreachable(CarrierApiError):
    """Whether the request was carried out is unknown. A placed call is asked for again under the same id."""

    retryable = True
