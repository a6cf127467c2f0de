"""The address of the media sockets: a bridge of ours must be there, and refuse who has no token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from agiza.cli.doctor.findings import Finding, failure, ok
from agiza.cli.doctor.public import judge_scheme
from agiza.cli.site import is_loopback

SUBJECT: Final = "media URL"
DOOR: Final = "media socket"
SUBPROTOCOL: Final = "audio.drachtio.org"
TIMEOUT_S: Final = 5.0
_LEADS: Final = "see that /media/* of AGIZA_MEDIA_URL leads to the bridges, with upgrades"


@dataclass(frozen=True, slots=True)
class Refused:
    """How one handshake was refused; 101 is one that was not. ``detail``: the bridge's word for it."""

    status: int
    detail: str = ""


async def look(url: str | None) -> list[Finding]:
    """Scheme, then two handshakes that must fail: one without token, one without the subprotocol."""
    if url is None:
        return [failure(SUBJECT, "AGIZA_MEDIA_URL is not set", "set it to the wss address that leads to the bridges")]
    findings = [judge_scheme(SUBJECT, url)]
    try:
        forged = await _knock(url, [Subprotocol(SUBPROTOCOL)])
        mute = await _knock(url, None)
    except (OSError, InvalidHandshake, WebSocketException, TimeoutError) as error:
        return [*findings, failure(DOOR, f"not reached from here ({type(error).__name__})", _LEADS)]
    return [*findings, judge(forged, mute)]


async def _knock(url: str, subprotocols: list[Subprotocol] | None) -> Refused:
    proxy: Literal[True] | None = None if is_loopback(url) else True
    try:
        async with connect(
            f"{url.rstrip('/')}/media/no-token-of-anybody",
            subprotocols=subprotocols,
            open_timeout=TIMEOUT_S,
            close_timeout=1,
            compression=None,
            proxy=proxy,
        ):
            return Refused(101)
    except InvalidStatus as refused:
        return Refused(refused.response.status_code, _detail(refused.response.body))


def _detail(body: bytes | bytearray | None) -> str:
    try:
        answer = json.loads(body or b"")
    except (ValueError, RecursionError):
        return ""
    detail = answer.get("detail") if isinstance(answer, dict) else None
    return detail if isinstance(detail, str) else ""


def judge(forged: Refused, mute: Refused) -> Finding:
    """``forged`` had the subprotocol and no good token, ``mute`` no subprotocol."""
    if 101 in (forged.status, mute.status):
        return failure(DOOR, "opened without a token: this is no bridge of ours", _LEADS)
    if forged.status == 403 and forged.detail.startswith("token_") and mute.status == 400:
        return ok(DOOR, "refused without token (403) and without subprotocol (400), as it should")
    if forged.status in (502, 503, 504):
        return failure(
            DOOR, f"answers {forged.status}: no bridge takes calls", "start a bridge; look at the proxy's log"
        )
    if forged.status == 400 and mute.status == 400:
        return failure(DOOR, "the subprotocol does not arrive", "let the proxy pass Sec-WebSocket-Protocol on")
    if forged.status == 426:
        return failure(DOOR, "the upgrade does not arrive", "let the proxy pass Upgrade and Connection on")
    return failure(DOOR, f"answers {forged.status} and {mute.status} instead of 403 and 400", _LEADS)
