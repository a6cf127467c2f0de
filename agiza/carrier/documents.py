"""What we answer the carrier with: a document of verbs, as XML or as JSON.

    render_xml(document) -> bytes       render_json(document) -> bytes

XML is what the carrier is known to run. The JSON form of Stream is documented both as working and as not yet
working, so it stands behind a switch. Everything is built by a library, never by joining strings; characters that
XML 1.0 cannot carry are dropped and line breaks become blanks. Each verb refuses what the carrier would not run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, assert_never
from urllib.parse import urlsplit
from xml.etree import ElementTree

from agiza.domain.phone import is_e164

STREAM_RATE_HZ: Final = 16_000
URL_CHARS_MAX: Final = 2_048
VERBS_MAX: Final = 50
STREAM_EVENTS: Final = "stream-started stream-stopped stream-error"

CarrierFormat = Literal["xml", "json"]
CONTENT_TYPES: Final[dict[CarrierFormat, str]] = {"xml": "application/xml", "json": "application/json"}

_FORBIDDEN_IN_XML: Final = re.compile("[^\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Stream:
    """Fork the call's audio to ``url`` and hold the leg for as long as the socket is open."""

    url: str
    status_callback: str
    name: str = "agiza"

    def __post_init__(self) -> None:
        _check_url(self.url, "wss", "ws")
        _check_url(self.status_callback, "https", "http")


@dataclass(frozen=True, slots=True)
class Redirect:
    """Fetch the next document from ``url``. Verbs after it run only where the carrier refuses the Redirect."""

    url: str

    def __post_init__(self) -> None:
        _check_url(self.url, "https", "http")


@dataclass(frozen=True, slots=True)
class Say:
    """The carrier's own voice. ``language`` is a BCP 47 tag."""

    text: str
    language: str

    def __post_init__(self) -> None:
        if not clean(self.text).strip():
            raise ValueError("a Say has nothing to say")


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring one number; ``caller_id`` is a number of ours."""

    number: str
    caller_id: str
    timeout_s: int

    def __post_init__(self) -> None:
        # The numbers are not repeated in the text: it may reach a log.
        if not is_e164(self.number) or not is_e164(self.caller_id):
            raise ValueError("a Dial needs E.164 numbers")


@dataclass(frozen=True, slots=True)
class Conference:
    """Enter a room; whoever else enters it is heard there. The room closes when one who ``ends`` it leaves."""

    room: str
    ends: bool = True

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{4,64}", self.room):
            raise ValueError("a room's name is 4 to 64 letters, digits, _ or -")


@dataclass(frozen=True, slots=True)
class GetDigits:
    """Say ``prompt`` and wait for a key; the voice URL is told of it. Verbs after it run where none was pressed."""

    prompt: Say
    timeout_s: int
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.timeout_s <= 60 or not 1 <= self.count <= 32:
            raise ValueError("GetDigits waits 1 to 60 s for 1 to 32 keys")


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse a call that is not answered yet."""

    reason: Literal["rejected", "busy"] = "rejected"


Verb: TypeAlias = Stream | Redirect | Say | Dial | Conference | GetDigits | Hangup | Reject
Document: TypeAlias = tuple[Verb, ...]

EMPTY: Final[Document] = ()
"""Go on as you are. As the first answer of a call it makes the carrier apologise and hang up."""


def render(document: Document, form: CarrierFormat) -> bytes:
    """The body of the answer; its content type is ``CONTENT_TYPES[form]``."""
    if len(document) > VERBS_MAX:
        raise ValueError(f"the carrier runs at most {VERBS_MAX} verbs")
    return render_xml(document) if form == "xml" else render_json(document)


def render_xml(document: Document) -> bytes:
    """``<Response>`` with the verbs in order, UTF-8."""
    root = ElementTree.Element("Response")
    for verb in document:
        _add(root, verb)
    document_xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document_xml


def render_json(document: Document) -> bytes:
    """``{"actions": [...]}`` with the verbs in order."""
    return json.dumps({"actions": [_action(verb) for verb in document]}, separators=(",", ":")).encode()


def clean(text: str) -> str:
    """The text as it can stand in a document: one line, without characters that XML forbids."""
    return _FORBIDDEN_IN_XML.sub("", re.sub(r"[\t\r\n]", " ", text))


def _add(root: ElementTree.Element, verb: Verb) -> None:
    match verb:
        case Stream():
            attributes = {
                "name": verb.name,
                "url": verb.url,
                "track": "inbound_track",  # both tracks would make the model hear itself
                "connect": "true",  # without it the leg ends after a second
                "outputSamplingRate": str(STREAM_RATE_HZ),
                "bidirectionalSamplingRate": str(STREAM_RATE_HZ),
                "statusCallback": verb.status_callback,
                "statusEvents": STREAM_EVENTS,
            }
            ElementTree.SubElement(root, "Stream", {name: clean(value) for name, value in attributes.items()})
        case Redirect():
            ElementTree.SubElement(root, "Redirect", {"method": "POST"}).text = verb.url
        case Say():
            ElementTree.SubElement(root, "Say", {"language": clean(verb.language)}).text = clean(verb.text)
        case Dial():
            dial = ElementTree.SubElement(root, "Dial", {"callerId": verb.caller_id, "timeout": str(verb.timeout_s)})
            ElementTree.SubElement(dial, "Number").text = verb.number
        case Conference():
            attributes = {"startOnEnter": "true", "endOnExit": "true" if verb.ends else "false", "beep": "false"}
            ElementTree.SubElement(root, "Conference", attributes).text = verb.room
        case GetDigits():
            limits = {"maxDigits": str(verb.count), "timeout": str(verb.timeout_s)}
            _add(ElementTree.SubElement(root, "GetDigits", limits), verb.prompt)
        case Hangup():
            ElementTree.SubElement(root, "Hangup")
        case Reject():
            # No attribute for the usual reason: the plain form is the one seen in use.
            ElementTree.SubElement(root, "Reject", {} if verb.reason == "rejected" else {"reason": verb.reason})
        case _:
            assert_never(verb)


def _action(verb: Verb) -> dict[str, dict[str, Any]]:
    match verb:
        case Stream():
            return {
                "stream": {
                    "url": verb.url,
                    "track": "inbound_track",
                    "connect": True,
                    "name": clean(verb.name),
                    "outputSamplingRate": STREAM_RATE_HZ,
                    "bidirectionalSamplingRate": STREAM_RATE_HZ,
                    "statusCallback": verb.status_callback,
                    "statusEvents": STREAM_EVENTS,
                }
            }
        case Redirect():
            return {"redirect": {"url": verb.url, "method": "POST"}}
        case Say():
            return {"say": {"text": clean(verb.text), "language": clean(verb.language)}}
        case Dial():
            return {"dial": {"number": verb.number, "callerId": verb.caller_id, "timeout": verb.timeout_s}}
        case Conference():
            return {"conference": {"name": verb.room, "startOnEnter": True, "endOnExit": verb.ends, "beep": False}}
        case GetDigits():
            nested = [_action(verb.prompt)]
            return {"getDigits": {"numDigits": verb.count, "timeout": verb.timeout_s, "nested": nested}}
        case Hangup():
            return {"hangup": {}}
        case Reject():
            return {"reject": {"reason": verb.reason}}
        case _:
            assert_never(verb)


def _check_url(url: str, *schemes: str) -> None:
    # Percent-encoding is the maker's duty: the media module cuts its command line at blanks.
    if len(url) > URL_CHARS_MAX or not re.fullmatch(r"[\x21-\x7e]+", url):
        raise ValueError("a URL of the document is too long or not percent-encoded")
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"a URL of the document does not start with {' or '.join(schemes)}")
