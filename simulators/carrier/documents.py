"""An HTTP answer of the voice application, strictly parsed.

`parse_answer` gives the verbs in order or raises `DocumentRefused` with one sentence. It is stricter than the PBX,
which is silent about most mistakes: whatever is not in the documented dialect is refused, so that a caller of a test
never finds out what the PBX would have made of it.

XML is read without a document type, entities, namespaces or processing instructions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from xml.parsers import expat

from .builders import SIMPLE_BUILDERS, build_dial, build_get_digits
from .fields import DocumentRefused, JsonFields, XmlFields
from .verbs import Document, Verb

ANSWER_BYTES_MAX = 65_536
ACTIONS_MAX = 50
DEPTH_MAX = 4
XML_TYPES = ("application/xml", "text/xml")

# Where the XML dialect keeps what JSON calls a field: the element's own text.
TEXT_FIELD = {"Say": "text", "Play": "url", "Redirect": "url", "Conference": "name"}
XML_VERBS = frozenset(
    {"Stream", "Say", "Play", "GetDigits", "Dial", "Conference", "Record", "Redirect", "Reject", "Hangup"}
)


def parse_answer(content_type: str, body: bytes) -> Document:
    """The verbs of an answer by its content type. No verbs is a valid answer: it asks for nothing."""
    if len(body) > ANSWER_BYTES_MAX:
        raise DocumentRefused(f"The answer has {len(body)} bytes, more than {ANSWER_BYTES_MAX}.")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in XML_TYPES:
        return parse_xml(body)
    if kind == "application/json":
        return parse_json(body)
    raise DocumentRefused(f"The answer has the content type {kind or 'none'!r}, neither XML nor JSON.")


# --- XML ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"<{self.name}> in line {self.line}"


def parse_xml(body: bytes) -> Document:
    root = _read_xml(body)
    if root.name != "Response":
        raise DocumentRefused(f"The root element is <{root.name}>, not <Response>.")
    if root.attributes:
        raise DocumentRefused(f"<Response> does not know the attribute {min(root.attributes)!r}.")
    if root.text.strip():
        raise DocumentRefused(f"<Response> holds loose text {root.text.strip()[:40]!r}.")
    return tuple(_xml_verb(child) for child in root.children)


def _read_xml(body: bytes) -> _Element:
    if not body.strip():
        raise DocumentRefused("The answer says XML and is empty.")
    parser = expat.ParserCreate("utf-8")
    stack: list[_Element] = []
    roots: list[_Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) >= DEPTH_MAX:
            raise DocumentRefused(f"Elements are nested deeper than {DEPTH_MAX}.")
        element = _Element(name, attributes, parser.CurrentLineNumber)
        (stack[-1].children if stack else roots).append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        if stack:
            stack[-1].text += data

    def forbidden(*_: object) -> None:
        raise DocumentRefused("A document type, entity or processing instruction is not allowed.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    parser.ProcessingInstructionHandler = forbidden
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        hint = " (a bare & must be written &amp;)" if b"&" in body else ""
        raise DocumentRefused(f"The answer is not well-formed XML: {error}{hint}.") from None
    return roots[0]


def _xml_verb(element: _Element) -> Verb:
    name = element.name
    if name not in XML_VERBS:
        raise DocumentRefused(f"{element.where} is not a verb of this carrier.")
    values: dict[str, object] = dict(element.attributes)
    if name in TEXT_FIELD:
        if TEXT_FIELD[name] in values:
            raise DocumentRefused(f"{element.where} does not know the attribute {TEXT_FIELD[name]!r}.")
        values[TEXT_FIELD[name]] = element.text.strip() or None
        if values[TEXT_FIELD[name]] is None:
            raise DocumentRefused(f"{element.where} needs a {TEXT_FIELD[name]} between its tags.")
    elif element.text.strip():
        raise DocumentRefused(f"{element.where} holds loose text {element.text.strip()[:40]!r}.")
    if element.children and name not in ("Dial", "GetDigits"):
        raise DocumentRefused(f"{element.where} may not hold <{element.children[0].name}>.")
    fields = XmlFields(element.where, values)
    if name == "GetDigits":
        nested = tuple(_xml_verb(child) for child in element.children)
        verb: Verb = build_get_digits(fields, nested, "maxDigits")
    elif name == "Dial":
        numbers = _xml_numbers(element, fields)
        verb = build_dial(fields, numbers, None, bool(fields.flag("record")))
    else:
        verb = SIMPLE_BUILDERS[name[0].lower() + name[1:]](fields)
    fields.done()
    return verb


def _xml_numbers(element: _Element, fields: XmlFields) -> tuple[str, ...]:
    listed = fields.text("phoneNumbers")
    for child in element.children:
        if child.name != "Number" or child.attributes or child.children:
            raise DocumentRefused(f"{element.where} may hold one plain <Number> only, not <{child.name}>.")
    if len(element.children) > 1 or (listed is not None and element.children):
        raise DocumentRefused(f"{element.where} needs exactly one target.")
    if listed is not None:
        return tuple(number.strip() for number in listed.split(",") if number.strip())
    return tuple(child.text.strip() for child in element.children)


# --- JSON --------------------------------------------------------------------------------------------------------


def parse_json(body: bytes) -> Document:
    try:
        envelope = json.loads(body)
    except ValueError as error:
        raise DocumentRefused(f"The answer is not JSON: {error}.") from None
    if not isinstance(envelope, dict) or set(envelope) != {"actions"} or not isinstance(envelope["actions"], list):
        raise DocumentRefused('A JSON answer is {"actions": [...]} and nothing else.')
    actions = envelope["actions"]
    if len(actions) > ACTIONS_MAX:
        raise DocumentRefused(f"The answer has {len(actions)} actions, more than {ACTIONS_MAX}.")
    return tuple(_json_verb(action, f"Action {place}") for place, action in enumerate(actions, 1))


def _json_verb(action: object, place: str) -> Verb:
    if not isinstance(action, dict) or len(action) != 1:
        raise DocumentRefused(f"{place} is not an object with exactly one verb.")
    name, values = next(iter(action.items()))
    if not isinstance(values, dict):
        raise DocumentRefused(f"{place} ({name}) has no object of fields.")
    fields = JsonFields(f"{place} ({name})", values)
    if name == "getDigits":
        nested = fields.take("nested") or []
        if not isinstance(nested, list):
            raise fields.refusal("needs a list in 'nested'")
        inner = tuple(_json_verb(item, f"{place}.{index}") for index, item in enumerate(nested, 1))
        verb: Verb = build_get_digits(fields, inner, "numDigits")
    elif name == "dial":
        verb = _json_dial(fields)
    elif name in SIMPLE_BUILDERS:
        verb = SIMPLE_BUILDERS[name](fields)
    else:
        raise DocumentRefused(f"{place} has the verb {str(name)[:40]!r}, which this carrier does not know.")
    fields.done()
    return verb


def _json_dial(fields: JsonFields) -> Verb:
    number, several, sip = fields.text("number"), fields.take("numbers"), fields.text("sip")
    if sum(target is not None for target in (number, several, sip)) != 1:
        raise fields.refusal("needs exactly one of number, numbers, sip")
    if several is not None and (not isinstance(several, list) or not all(isinstance(n, str) for n in several)):
        raise fields.refusal("needs a list of texts in 'numbers'")
    numbers = tuple(several) if isinstance(several, list) else (number,) if number is not None else ()
    record = fields.choice("record", ("", "record-from-answer", "record-from-ringing"), "")
    return build_dial(fields, numbers, sip, record != "")
