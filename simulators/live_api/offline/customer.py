"""What callers say about themselves: how they get the food, where to, their name and number.

Read from the raw text, since names and addresses are in no vocabulary. What was read is cut out of the text, so that
"for delivery to Rose Avenue" is not searched for roses.
"""

import re

from simulators.live_api.offline.intents import Customer

_STOP = (
    r"(?=$|[,.;!?]|\s+(?:and|please|thanks|thank you|that's|thats|that is)\b"
    r"|\s+(?:can i|could i|i'd|i would|i want|i'll|my name|my number|the name)\b)"
)
_ADDRESS_END = (
    r"(?=$|[.;!?]|,?\s+and\s+(?:my|i|can|could|add|a|an|the|it|that)\b|,?\s+please\b"
    r"|,?\s+(?:that's|thats|that is) (?:all|it)\b"
    r"|,?\s+(?:can i|could i|i'd|i would|i want|i'll|my name|my number|the name|under)\b)"
)
_QUESTION = re.compile(
    r"\b(?:do|can|could|will) you (?:guys )?(?:do |offer |have )?deliver|\bdelivery (?:fee|charge|cost)"
    r"|\bhow (?:much|long)\b.*deliver"
    r"|\bwhat(?:'s| is) your address|\bis (?:there |the )?delivery\b",
    re.IGNORECASE,
)
_ADDRESS = (
    re.compile(rf"\b(?:my |the |our )?(?:delivery )?address is (?P<address>.+?){_ADDRESS_END}", re.IGNORECASE),
    re.compile(
        r"\b(?:for |by |i want |i'd like |make it |can you )?(?:home )?"
        r"(?:deliver(?:y|ed)?|bring|send)(?: it| this| that| them)?"
        rf" (?:to|at) (?P<address>.+?){_ADDRESS_END}",
        re.IGNORECASE,
    ),
    re.compile(rf"\bi(?:'m| am) (?:staying )?at (?P<address>.+?){_ADDRESS_END}", re.IGNORECASE),
)
_NO_ADDRESS = re.compile(r"^(?:my |our |the )?(?:place|house|home|office|me|us|here|address|door)$", re.IGNORECASE)
_DELIVERY = re.compile(
    r"\b(?:it's |it is |that's |this is |i want it |i'd like it |make it |can you |please )?(?:for |by |as )?"
    r"(?:a )?(?:home )?(?:delivery|delivered|deliver)(?: it| this| that| please)?\b",
    re.IGNORECASE,
)
_PICKUP = re.compile(
    r"\b(?:(?:it's |it is |that's |i'll |i will |i'm |for |by |as |to |can i |we'll |going to |come and |come to )+)?"
    r"(?:pick ?-?up|pick it up|pick that up|pick them up|picking (?:it )?up|collection"
    r"|collect(?: it| that| them)?|collecting(?: it)?"
    r"|carry ?-?out|come and get it|come for it)\b(?: myself)?",
    re.IGNORECASE,
)
_TAKE_AWAY = re.compile(
    r"\b(?:for|it's|it is|as|to) (?:take ?-?away|take ?-?out|go)\b|^\s*(?:take ?-?away|take ?-?out)\b(?! the)",
    re.IGNORECASE,
)
_DINE_IN = re.compile(
    r"\b(?:to |for |we'll |i'll )?(?:dine|eat|sit|dining|eating)[ -](?:in|here|there)\b", re.IGNORECASE
)
_NOT_A_NAME = (
    "delivery|pickup|pick|collection|collect|take|takeaway|dine|eating|me|my|our|us|a|an|the|it|that|this|all|not|just"
    "|one|two|three|four|five|six|tonight|today|tomorrow|now|later|lunch|dinner|home|work|here|correct|right|wrong"
    "|how|what|where|why"
)
_NAME = re.compile(
    r"\b(?:my name is|my name's|name is|name's|under the name(?: of)?|under|it's for|it is for|order for"
    rf"|i'm called|i am called|jina langu ni)\s+(?!(?:{_NOT_A_NAME})\b)"
    rf"(?P<name>[a-z][a-z'-]+(?:\s+(?!and\b|please\b|for\b|i\b|with\b)[a-z][a-z'-]+)?){_STOP}",
    re.IGNORECASE,
)
_DIGITS = {
    word: str(number)
    for number, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
} | {"oh": "0", "o": "0"}
_DIGIT = r"(?:\+?\d|" + "|".join(_DIGITS) + r"|double|triple|plus)"
_PHONE = re.compile(
    rf"\b(?:my |the )?(?:phone |mobile |telephone |cell )?(?:number is|number's|call me (?:back )?on|reach me on)\s+"
    rf"(?P<phone>{_DIGIT}(?:[\s-]*{_DIGIT}){{5,19}})\b",
    re.IGNORECASE,
)
_BARE_PHONE = re.compile(rf"(?<![a-z])(?P<phone>{_DIGIT}(?:[\s,-]*{_DIGIT}){{5,19}})\b", re.IGNORECASE)


def take_customer(text: str) -> tuple[str, Customer | None]:
    """(the rest of the text, what was said about the caller or None)."""
    if _QUESTION.search(text):
        return text, None
    address, name, phone, fulfilment = "", "", "", ""
    if found := _PHONE.search(text):
        phone, text = _digits(found["phone"]), _without(text, found)
    for pattern in _ADDRESS:
        if (found := pattern.search(text)) and not address:
            address, text = _place(found["address"]), _without(text, found)
            fulfilment = "delivery"
    if found := _NAME.search(text):
        name, text = found["name"].strip(), _without(text, found)
    ways = (("delivery", _DELIVERY), ("pickup", _PICKUP), ("pickup", _TAKE_AWAY), ("dine-in", _DINE_IN))
    for way, pattern in ways:
        if not fulfilment and (found := pattern.search(text)):
            fulfilment, text = way, _without(text, found)
    customer = Customer(fulfilment, address, name, phone)
    return (text, customer) if customer != Customer() else (text, None)


def phone_in(text: str) -> str:
    """The phone number in an answer to the question for it; empty when there is none."""
    found = _BARE_PHONE.search(text)
    return _digits(found["phone"]) if found else ""


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _place(address: str) -> str:
    place = " ".join(address.split()).strip(" ,.")
    return "" if _NO_ADDRESS.match(place) else place[:200]


def _digits(spoken: str) -> str:
    digits, times = "", 1
    for word in re.findall(r"\+|\d|[a-z]+", spoken.lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
            continue
        digits += ("+" if word in ("+", "plus") else _DIGITS.get(word, word)) * times
        times = 1
    return digits
