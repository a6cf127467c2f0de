"""Signed requests to other systems, as Standard Webhooks 1.0.0 describes them (standardwebhooks.com).

    headers = Signer([secret, former_secret]).headers(message_id, sent_at, body)

The receiver computes HMAC-SHA256 over ``id.timestamp.body`` with the key behind ``whsec_`` and compares. The same id
means the same message: it may be sent again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
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


class Signer:
    """Signs with the keys of one receiver: one, or, while a secret is being replaced, the new and the former one.

    The receiver accepts a message of which any signature is right. Raises :class:`ValueError` as :func:`key_of`.
    """

    __slots__ = ("_keys",)

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("a message is signed with at least one secret")
        self._keys = [key_of(secret) for secret in secrets]

    def headers(self, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
        """Headers of one delivery. ``message_id`` stays the same when the message is sent again, ``sent_at`` does not.

        Neither may hold a full stop, which parts what is signed: ids that do are refused.
        """
        if "." in message_id:
            raise ValueError("a message id holds no full stop")
        timestamp = str(int(sent_at.timestamp()))
        signed = b".".join((message_id.encode(), timestamp.encode(), body))
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(_signature(key, signed) for key in self._keys),
        }


def signed_headers(secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Headers of one delivery to a receiver with one secret."""
    return Signer([secret]).headers(message_id, sent_at, body)


def _signature(key: bytes, signed: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
