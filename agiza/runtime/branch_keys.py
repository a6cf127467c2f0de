"""A branch's key: what its people type once to see its screens, and nothing of any other branch.

Derived from one secret of the installation, so there is nothing to store; a new secret makes all keys new. Two
secrets at once let keys be replaced without a gap.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

_PURPOSE: Final = b"agiza branch screens 1\n"
_BYTES: Final = 20


def branch_key(branch_id: str, secret: str) -> str:
    """The key of this branch: 32 letters and digits."""
    mac = hmac.digest(secret.encode(), _PURPOSE + branch_id.encode(), hashlib.sha256)
    return base64.b32encode(mac[:_BYTES]).decode().lower()


def is_branch_key(given: str, branch_id: str, secrets: Sequence[str]) -> bool:
    """Whether ``given`` opens the branch. Every secret is tried, in constant time each."""
    candidate = given.strip().lower().encode("utf-8", "surrogateescape")
    fits = [hmac.compare_digest(candidate, branch_key(branch_id, secret).encode()) for secret in secrets]
    return any(fits)
