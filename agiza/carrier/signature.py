"""Whether a request was signed by the carrier: ``X-Sautikit-Signature: t=<unix seconds>,v1=<hex>``.

``v1`` is HMAC-SHA256 over the raw body, a full stop and ``t`` (the body stands first). A signature is good for
:data:`WINDOW_SECONDS` around ``t``. Whether the carrier signs voice requests at all is unproven, so the policy is a
switch: ``off`` looks at nothing, ``warn`` judges and lets pass, ``enforce`` refuses. A secret path is asked for in
any case. Two secrets at once let one be replaced without a gap.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

SIGNATURE_HEADER: Final = "x-sautikit-signature"
WINDOW_SECONDS: Final = 300
HEADER_CHARS_MAX: Final = 512

SignaturePolicy = Literal["off", "warn", "enforce"]
Verdict = Literal["good", "missing", "malformed", "stale", "forged"]


def sign(body: bytes, secret: str, unix_s: int) -> str:
    """The header's value for this body."""
    stamp = str(unix_s)
    return f"t={stamp},v1={_mac(body, stamp, secret).hex()}"


def judge_signature(body: bytes, header: str | None, secrets: Sequence[str], now: datetime) -> Verdict:
    """What the header is worth for this raw body. Any of ``secrets`` may have signed it.

    The header may hold several ``v1`` while the carrier itself changes its secret.
    """
    if not header:
        return "missing"
    if len(header) > HEADER_CHARS_MAX:
        return "malformed"
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(stamps) != 1 or not re.fullmatch(r"\d{1,12}", stamps[0], re.ASCII) or not given:
        return "malformed"
    # Every pair is compared, in constant time each, so that the time taken tells nothing about the secrets.
    fits = [
        hmac.compare_digest(_mac(body, stamps[0], secret).hex().encode(), value.encode("utf-8", "surrogatepass"))
        for secret in secrets
        for value in given
    ]
    if not any(fits):
        return "forged"
    return "good" if abs(now.timestamp() - int(stamps[0])) <= WINDOW_SECONDS else "stale"


def is_allowed(verdict: Verdict, policy: SignaturePolicy) -> bool:
    """Whether a request with this verdict may go on."""
    return policy != "enforce" or verdict == "good"


def _mac(body: bytes, stamp: str, secret: str) -> bytes:
    return hmac.digest(secret.encode(), body + b"." + stamp.encode(), hashlib.sha256)
