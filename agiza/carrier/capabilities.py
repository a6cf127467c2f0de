"""What one live call showed about the carrier, and the file in which it is kept.

The carrier's pages say nothing, or two things, about what happens when our side ends a stream, whether its requests are
signed, and whether sound that was sent can be taken back. A probe call finds out:

    capabilities = conclude(observations)
    write_capabilities(Path("carrier-capabilities.yaml"), capabilities)
    read_capabilities(path)                 # CapabilitiesRefused for a file that is none

None always means: not found out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import yaml

from agiza.carrier.signature import Verdict

VERSION: Final = 1
FILE_NAME: Final = "carrier-capabilities.yaml"
_HEAD: Final = "# Written by `agiza carrier probe` after a live call. null means: not found out.\n"

StreamEnd = Literal["R1", "R2", "R3", "R4"]
"""After our side closed the media socket: R1 the carrier asks and carries out the answer; R2 it runs the verb after the
Stream; R3 it keeps the call in silence; R4 it hangs up."""
Place = Literal["voice", "status", "next", "told_by_voice", "told_by_status", "told_by_next"]
"""Where a request arrived. ``told_by_X`` is fetched only by a carrier that carries out the answer given at X."""
Judged = Verdict | Literal["unjudged"]
"""What one request's signature is worth; ``unjudged``: signed, but we were given no secret to judge by."""
Signing = Literal["good", "missing", "malformed", "stale", "forged", "unjudged", "mixed"]
"""The same of all requests together."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A request of the carrier. ``is_end`` says that the call is over, ``speaks_of_stream`` that the stream is."""

    at_s: float
    place: Place
    is_end: bool = False
    speaks_of_stream: bool = False
    signature: Judged = "missing"


@dataclass(frozen=True, slots=True)
class SocketClosed:
    """The media socket is gone. ``by_us``: as the probe meant it."""

    at_s: float
    by_us: bool


@dataclass(frozen=True, slots=True)
class Waited:
    """The carrier had its time after the socket was closed. What comes now follows from the end of the probe."""

    at_s: float


Observation: TypeAlias = Posted | SocketClosed | Waited


@dataclass(frozen=True, slots=True)
class Answers:
    """What no request can tell: found out in the call's sound, by REST, or by asking the person on the phone.

    ``heard_farewell``: a voice spoke after the tones. ``hung_up``: the carrier's REST interface ended the call.
    """

    marks: bool | None = None
    kill_audio: bool | None = None
    hung_up: bool | None = None
    heard_farewell: bool | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The carrier as a probe call found it. ``asked_at``: the URL whose answer was carried out after the stream.

    ``redirect``: whether a Redirect to a URL of ours is followed. ``hang_up``: whether REST ends a live call.
    """

    probed_at: datetime
    direction: Literal["inbound", "outbound"]
    stream_end: StreamEnd | None = None
    asked_at: Literal["voice", "status", "next"] | None = None
    redirect: bool | None = None
    signature: Signing | None = None
    kill_audio: bool | None = None
    marks: bool | None = None
    hang_up: bool | None = None
    version: int = field(default=VERSION)


def conclude(
    seen: Sequence[Observation],
    answers: Answers,
    *,
    probed_at: datetime,
    direction: Literal["inbound", "outbound"] = "inbound",
) -> Capabilities:
    """The plainest reading of what was seen, in the order in which it was seen."""
    posts = [each for each in seen if isinstance(each, Posted)]
    end, asked_at, redirect = _stream_end(seen, answers)
    return Capabilities(
        probed_at=probed_at,
        direction=direction,
        stream_end=end,
        asked_at=asked_at,
        redirect=redirect,
        signature=_signing(posts),
        kill_audio=answers.kill_audio,
        marks=answers.marks,
        hang_up=answers.hung_up,
    )


_Ending: TypeAlias = tuple[StreamEnd | None, Literal["voice", "status", "next"] | None, bool | None]


def _stream_end(seen: Sequence[Observation], answers: Answers) -> _Ending:
    closed = next((at for at, each in enumerate(seen) if isinstance(each, SocketClosed)), None)
    if closed is None or not _is_ours(seen[closed]):
        return None, None, None
    if any(isinstance(each, Posted) and each.is_end for each in seen[:closed]):
        return None, None, None  # the call was over before we closed the socket
    after = list(_until_waited(seen[closed + 1 :]))
    for post in after:
        match post.place:
            case "told_by_voice":
                return "R1", "voice", True
            case "told_by_status":
                return "R1", "status", True
            case "next" | "told_by_next":
                return "R2", "next", True
            case "voice" | "status":
                continue
    if not any(post.is_end for post in after):
        return "R3", None, None
    if answers.heard_farewell:
        # The verbs after the Redirect were spoken, so the document ran and only its Redirect was not followed.
        was_asked = next((post.place for post in after if post.speaks_of_stream and not post.is_end), None)
        if was_asked in ("voice", "status"):
            return "R1", was_asked, False
        return "R2", "next", False
    return "R4", None, None


def _until_waited(seen: Sequence[Observation]) -> Iterator[Posted]:
    for each in seen:
        if isinstance(each, Waited):
            return
        if isinstance(each, Posted):
            yield each


def _is_ours(closed: Observation) -> bool:
    return isinstance(closed, SocketClosed) and closed.by_us


def is_ambiguous(seen: Sequence[Observation]) -> bool:
    """Whether only the person on the phone can tell R4 from a carrier that follows no Redirect."""
    end, _, _ = _stream_end(seen, Answers())
    return end == "R4"


def _signing(posts: Sequence[Posted]) -> Signing | None:
    verdicts = {post.signature for post in posts}
    if len(verdicts) > 1:
        return "mixed"
    return verdicts.pop() if verdicts else None


# --- the file --------------------------------------------------------------------------------------------------------


class CapabilitiesRefused(Exception):
    """The file is not one that a probe wrote."""

    retryable = False


def write_capabilities(path: Path, capabilities: Capabilities) -> None:
    """Replace the file as a whole: a reader sees the old one or the new one."""
    document = {"version": capabilities.version} | asdict(capabilities)
    document["probed_at"] = capabilities.probed_at.isoformat()
    text = _HEAD + yaml.safe_dump(document, sort_keys=False)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            Path(file.name).chmod(0o644)
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read_capabilities(path: Path) -> Capabilities:
    """The file's content. Raises :class:`CapabilitiesRefused`, or :class:`OSError` when there is none to read."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CapabilitiesRefused(f"{path}: not a file of `agiza carrier probe`") from None
    names = {each.name for each in fields(Capabilities)}
    if not isinstance(document, dict) or document.get("version") != VERSION or set(document) != names:
        raise CapabilitiesRefused(f"{path}: not a file of `agiza carrier probe`, version {VERSION}")
    for name, allowed in _ALLOWED.items():
        if document[name] not in allowed:
            raise CapabilitiesRefused(f"{path}: {name} is {document[name]!r}")
    try:
        probed_at = datetime.fromisoformat(document.pop("probed_at"))
    except (TypeError, ValueError):
        raise CapabilitiesRefused(f"{path}: probed_at is not a moment") from None
    return Capabilities(probed_at=probed_at, **document)


_FLAG: Final = (True, False, None)
_ALLOWED: Final[dict[str, tuple[object, ...]]] = {
    "direction": ("inbound", "outbound"),
    "stream_end": (*get_args(StreamEnd), None),
    "asked_at": ("voice", "status", "next", None),
    "redirect": _FLAG,
    "signature": (*get_args(Signing), None),
    "kill_audio": _FLAG,
    "marks": _FLAG,
    "hang_up": _FLAG,
}
