"""What a probe call found, in words: each finding with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agiza.carrier.capabilities import Capabilities

_STREAM_END: Final = {
    "R1": "the carrier asks at the {place} URL and does what it is told: hand-offs by Dial work",
    "R2": "the carrier runs the verb after the stream: hand-offs by Dial work",
    "R3": "the caller would sit in silence: set `escalation: {strategy: answer_first}` in the branch files and give "
    "escalation the carrier's API, so that lost callers are rung back",
    "R4": "the call ends with the stream: set `escalation: {strategy: answer_first}` in the branch files and give "
    "escalation the carrier's API, so that callers are rung back",
}
_SIGNATURE: Final = {
    "good": "every request is signed with our secret: set AGIZA_CARRIER_SIGNATURE=enforce",
    "missing": "requests are not signed: leave AGIZA_CARRIER_SIGNATURE at warn; the secret path is the guard",
    "unjudged": "requests are signed: put the number's signing secret into AGIZA_CARRIER_SIGNING_SECRETS, probe again",
    "forged": "signed with another secret than AGIZA_CARRIER_SIGNING_SECRETS: do not enforce before this is mended",
    "stale": "the time in the signature is off by minutes: set this machine's clock",
    "malformed": "there is a signature of another shape: do not enforce",
    "mixed": "some requests are signed and others not: do not enforce",
}
_KILL: Final = {
    True: "the agent stops at once when a caller speaks",
    False: "the agent stops within 0.3 s, which is all that the bridge sends ahead",
}
_MARKS: Final = {
    True: "the carrier says when sound has been heard",
    False: "when sound has been heard is told by the clock",
}
_REDIRECT: Final = {True: "followed", False: "not followed: what stands after it is run instead"}
_HANG_UP: Final = {True: "REST ends a live call", False: "REST does not end a live call: look at the key's scopes"}
_UNKNOWN: Final = "not found out in this call"


def report_rows(
    learnt: Capabilities, frame_bytes: Sequence[int], subprotocol_offered: bool | None
) -> list[tuple[str, str, str]]:
    """Name, finding, what follows."""
    end = _UNKNOWN if learnt.stream_end is None else _STREAM_END[learnt.stream_end]
    rows = [
        ("end of a stream", _shown(learnt.stream_end), end.replace("{place}", learnt.asked_at or "")),
        ("signature", _shown(learnt.signature), _SIGNATURE.get(learnt.signature or "", _UNKNOWN)),
        ("killAudio", _shown(learnt.kill_audio), _flag(_KILL, learnt.kill_audio)),
        ("marks", _shown(learnt.marks), _flag(_MARKS, learnt.marks)),
        ("Redirect", _shown(learnt.redirect), _flag(_REDIRECT, learnt.redirect)),
        ("hang-up", _shown(learnt.hang_up), _flag(_HANG_UP, learnt.hang_up)),
    ]
    if subprotocol_offered is not None:
        rows.append(("media socket", _shown(subprotocol_offered), "audio.drachtio.org was offered"))
    if frame_bytes:
        usual = max(set(frame_bytes), key=frame_bytes.count)
        rows.append(("caller's sound", f"{usual} bytes", f"in most messages: {usual / 32:g} ms at 16 kHz"))
    return rows


def _flag(meanings: dict[bool, str], value: bool | None) -> str:
    return _UNKNOWN if value is None else meanings[value]


def _shown(value: str | bool | None) -> str:
    if value is None:
        return "?"
    return value if isinstance(value, str) else "yes" if value else "no"
