"""Whether a delivery is genuine: Standard Webhooks 1.0.0 (standardwebhooks.com).

    verifier = Verifier(["whsec_NEW", "whsec_FORMER"])
    message_id = verifier.message_id(headers, raw_body, now=time.time())

The signature is over the bytes as they came. Whoever parses the JSON first and signs what they write of it themselves
will sooner or later refuse a genuine delivery, and accept one that was changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
VERSION: Final = "v1"
TOLERANCE_S: Final = 300
"""A delivery may be this old, or from a clock this far ahead. Older ones may be somebody's recording."""
SIGNATURES_MAX: Final = 16


class NotGenuine(Exception):
    """The delivery must not be believed. The text says why, without repeating anything of it."""


class Verifier:
    """Knows the endpoint's secrets: one, or two while they are being changed."""

    def __init__(self, secrets: Sequence[str], tolerance_s: float = TOLERANCE_S) -> None:
        if not secrets:
            raise ValueError("give at least one secret")
        self._keys = [key_of(secret) for secret in secrets]
        self._tolerance_s = tolerance_s

    def message_id(self, headers: Mapping[str, str], raw: bytes, now: float) -> str:
        """The id of a genuine delivery: the same id is the same message, sent again. Raises :class:`NotGenuine`.

        ``headers`` with names in lower case, ``now`` in seconds since 1970.
        """
        message_id = headers.get("webhook-id", "")
        timestamp = headers.get("webhook-timestamp", "")
        signatures = headers.get("webhook-signature", "")
        self._check_headers(message_id, timestamp, signatures)
        self._check_time(timestamp, now)
        self._check_signatures(message_id, timestamp, signatures, raw)
        return message_id

    def _check_headers(self, message_id: str, timestamp: str, signatures: str) -> None:
        if not (message_id and timestamp and signatures):
            raise NotGenuine("webhook-id, webhook-timestamp and webhook-signature must all be there")

    def _check_time(self, timestamp: str, now: float) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise NotGenuine("webhook-timestamp is not a number of seconds")
        if abs(now - int(timestamp)) > self._tolerance_s:
            raise NotGenuine("webhook-timestamp is too far from the time here")

    def _check_signatures(self, message_id: str, timestamp: str, signatures: str, raw: bytes) -> None:
        signed = b".".join((message_id.encode(), timestamp.encode(), self._signed_body(raw)))
        expected = [hmac.digest(key, signed, hashlib.sha256) for key in self._keys]
        for given in self._given(signatures):
            # Constant time: how long the comparison takes tells nothing about the right signature.
            if any(hmac.compare_digest(given, each) for each in expected):
                return
        raise NotGenuine("no signature is one of ours")

    def _signed_body(self, raw: bytes) -> bytes:
        return raw

    def _given(self, signatures: str) -> Iterator[bytes]:
        """The signatures of our version. Others may stand beside them: while a secret is being changed there are two,
        and a sender may use versions that are not invented yet."""
        for entry in signatures.split(" ")[:SIGNATURES_MAX]:
            version, _, encoded = entry.partition(",")
            if version != VERSION:
                continue
            try:
                yield base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue


def key_of(secret: str) -> bytes:
    """The key in ``whsec_BASE64``. Raises :class:`ValueError` with what is wrong, without the secret."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} must be base64") from None
