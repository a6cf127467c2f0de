"""Signed requests to other systems, as Standard Webhooks 1.0.0 describes them (standardwebhooks.com).

    headers = signed_headers(secret, message_id, sent_at, body)

The receiver computes HMAC-SHA256 over ``id.timestamp.body`` with the key behind ``whsec_`` and compares. The same id
means the same message: it may be sent again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
KEY_BYTES: Final = (24, 64)


def key_of(secret: str) -> bytes:
    """The key in a secret ``whsec_BASE64``. Raises :class:`ValueError` with what is wrong, without the secret."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"the secret must begin with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} must be base64") from None
    if not KEY_BYTES[0] <= len(key) <= KEY_BYTES[1]:
        raise ValueError(f"the secret must hold {KEY_BYTES[0]} to {KEY_BYTES[1]} bytes")
    return key


def signed_headers(secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Headers of one delivery. ``message_id`` stays the same when the message is sent again, ``sent_at`` does not."""
    timestamp = str(int(sent_at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    mac = hmac.digest(key_of(secret), signed, hashlib.sha256)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
