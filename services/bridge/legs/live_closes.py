"""How a model session ended or could not be had, as one short machine word.

The reason of a close is a peer's free text, cut at 123 bytes: it is read here and goes no further.

| word | what it stands for |
|---|---|
| ``closed_1011`` etc. | the connection was closed with this code; 1006 is a connection that broke |
| ``quota`` | too many sessions, or too much used: the text says so, the code is mostly 1011 |
| ``wrong_model`` | no such model at this version of the API |
| ``refused_429`` etc. | HTTP status of a refused upgrade, or the close code instead of a setup |
| ``setup_timeout`` | connected, and no answer to the setup |
| ``unreachable``, ``handshake_failed``, ``setup_failed`` | nobody there; no TLS or no websocket; anything else |
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from google.genai import errors
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

_QUOTA: Final = re.compile(r"quota|RESOURCE_EXHAUSTED|resource exhausted|maximum concurrent", re.IGNORECASE)
_WRONG_MODEL: Final = re.compile(r"not found for API version|not supported for bidiGenerateContent", re.IGNORECASE)


def word_of_close(code: int, reason: str) -> str:
    """Of a session that was set up."""
    return _word("closed", code, reason)


def word_of_error(error: Exception) -> str:
    """Of a session that could not be had."""
    match error:
        case TimeoutError():
            return "setup_timeout"
        case InvalidStatus():
            return f"refused_{error.response.status_code}"
        case errors.APIError():
            return _word("refused", error.code, f"{error.details}")
        case ConnectionClosed():
            received = error.rcvd
            return _word("closed", received.code, received.reason) if received is not None else "closed_1006"
        case InvalidHandshake() | ssl.SSLError():
            return "handshake_failed"
        case OSError():
            return "unreachable"
        case _:
            return "setup_failed"


def _word(how: str, code: int, reason: str) -> str:
    if _QUOTA.search(reason):
        return "quota"
    if code == 1008 and _WRONG_MODEL.search(reason):
        return "wrong_model"
    return f"{how}_{code}"
