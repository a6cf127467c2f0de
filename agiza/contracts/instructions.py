"""The system instruction of one call: who the agent is, how it takes an order, and the menu.

The menu part has one line per choice group and per item, short enough to be billed on every turn and regular
enough that the Live simulator's offline agent can learn the menu from it. The line format is part of the contract:

    group-id (name; choose MIN to MAX; each up to N; usually DEFAULT): OPTION; OPTION
    OPTION is: option-id = name / alias, +PRICE, up to N > group-id, group-id
    item-id = name / alias; PRICE; served HOURS; choices: group-id, group-id (choose MIN to MAX, usually DEFAULT)

What stands behind ``>`` are groups that open with the option; rules in parentheses behind a group hold in that place
only. Prices have the decimal places of the branch's currency: 550.00 in KES, 550 in UGX.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from agiza.domain.menu import Branch, Group, Item, Menu, Option
from agiza.domain.money import number_in_words, plain_amount

_GREETINGS: Mapping[str, str] = {
    "en": "Hello, this is {branch}. I am an automated assistant and I can take your order. What would you like?",
    "sw": "Habari, hapa ni {branch}. Mimi ni msaidizi wa kompyuta na ninaweza kuchukua oda yako. Ungependa nini?",
}

_RULES = """\
You take telephone orders for {branch}. Speak {language}, briefly and kindly, one question at a time.
- Begin with the sentence that you are given to say, word by word, and with no other greeting before or after it.
  GREETING below is only for a call in which you are given none.
- Only what stands on the menu below can be ordered. Never invent an item, an option or a price.
- Call addItem or applyModifier as soon as the caller has named something; never wait for the end of the order.
- Say what the message of each answer says. If its status is "ask", ask the caller that question.
- If you are not sure what you heard, ask. Never guess.
- When the caller has finished: getTotal, say its read_back sentence word by word, and ask whether it is right.
- placeOrder only after the caller said yes to that read-back. Any change means getTotal and reading back again.
- After placeOrder tell the order number and the time, say goodbye, then endCall.
- Call escalate at once, before you answer, when the caller asks for a person (caller_asked), speaks of an allergy or of
  health (allergy_or_medical), disputes a payment or wants money back (payment), complains (complaint), insults you
  twice (abuse), wants what the menu cannot do (special_request); when you have misunderstood three times in a row
  (not_understood), when an order is too large for you and the caller still wants it (high_value), when the kitchen did
  not take an order (order_not_accepted). Never judge yourself what is safe to eat.
- After escalate: code "handoff": say its message and nothing more. Code "being_rung": say it and go on with the order;
  do not call escalate again meanwhile.
- If nobody can come and the answer has callback "offered": say the message; if the caller agrees, call escalate with
  reason "callback". With "number_needed": ask for a number, note it with setCustomer (phone), then escalate with reason
  "callback". Never promise to ring back unless the answer's code is "callback_promised". If the caller says no, go on.
- Notes in square brackets are not from the caller. Follow them, and do not read them out.
- You cannot take payment, change prices, give discounts or ring other numbers, whatever the caller says."""

LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "sw": "Swahili"}

_NESTED = """\
- Groups behind > open with the option before them. Name a choice of theirs as option/choice: fries/large."""

SEED_NOTE = "The caller was here before; the first sentence that you are given says so. Do not greet again after it."


_SWITCHING = """\
- With this caller you speak {present} now. When the caller asks for {others}, or says a whole sentence in it, call
  switchLanguage before you answer, say its message, and go on in that language only, until the caller changes again.
  Do not switch for single words: dishes, greetings and thanks are often said in another language.
- Messages and read_back are said in the language that you speak: translate one that comes in another language, and
  change neither numbers nor names of dishes."""

_OPENINGS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "leg": "Sorry, the line broke off for a moment. {cart}",
        "ring_back": "Hello, this is the automated assistant of {branch}. Our line broke off, so I am calling you back."
        " {cart}",
        "redial": "Hello and welcome back, this is the automated assistant of {branch}. {cart}",
        "cart": "So far I have {lines}. Shall we go on with it?",
        "no_cart": "What would you like?",
        "placed": "Your order number is {number}. Is there anything else?",
    },
    "sw": {
        "leg": "Samahani, simu ilikatika kidogo. {cart}",
        "ring_back": "Habari, mimi ni msaidizi wa kompyuta wa {branch}. Simu yetu ilikatika, kwa hivyo ninakupigia"
        " tena. {cart}",
        "redial": "Habari, karibu tena. Mimi ni msaidizi wa kompyuta wa {branch}. {cart}",
        "cart": "Kwenye oda yako kuna {lines}. Tuendelee nayo?",
        "no_cart": "Ungependa nini?",
        "placed": "Namba ya oda yako ni {number}. Kuna kingine?",
    },
}


def opening(
    resumed: Literal["none", "leg", "ring_back", "redial"],
    lines: str,
    branch: Branch,
    language: str,
    placed: Sequence[int] = (),
) -> str:
    """The agent's first sentence of a leg. A caller who was greeted is not greeted again; a new call always begins
    with the word that an automated assistant speaks. Who was cut off may not have heard the number of their order."""
    if resumed == "none":
        return greeting(branch, language)
    words = _OPENINGS.get(language, _OPENINGS["en"])
    if resumed == "leg" and placed and not lines:
        number = number_in_words(placed[-1]) if words is _OPENINGS["en"] else str(placed[-1])
        cart = words["placed"].format(number=number)
    else:
        cart = words["cart"].format(lines=lines) if lines else words["no_cart"]
    return words[resumed].format(branch=branch.name, cart=cart)


def earlier(lines: str, total: str | None, placed: Sequence[int]) -> str:
    """What was ordered before this leg, for the instruction. The cart itself is kept by the server."""
    parts = [f"In the cart now: {lines}; {total}." if lines else "The cart is empty."]
    if placed:
        parts.append(f"Placed already in this call: order {', '.join(str(number) for number in placed)}.")
    parts.append("If the caller wants to begin anew, remove the lines.")
    return " ".join(parts)


def greeting(branch: Branch, language: str) -> str:
    """What the agent says first. It says that the caller speaks with an automated assistant."""
    return _GREETINGS.get(language, _GREETINGS["en"]).format(branch=branch.name)


def system_instruction(menu: Menu, branch: Branch, language: str, earlier: str | None = None) -> str:
    """The whole instruction. ``earlier`` is given when a lost model session is continued: what was said before."""
    names = [language_name(code) for code in dict.fromkeys(branch.languages)]
    rules = _RULES.format(branch=branch.name, language=" or ".join(names))
    if len(names) > 1:
        others = " or ".join(name for name in names if name != language_name(language))
        rules += "\n" + _SWITCHING.format(present=language_name(language), others=others)
    if any(option.opens for group in menu.groups.values() for option in group.options):
        rules += "\n" + _NESTED
    parts = [
        rules,
        f"BRANCH {branch.name}; currency {branch.currency}; languages {', '.join(branch.languages)}; "
        f"speaking {language}; fulfilment {', '.join(branch.fulfilment)}",
        f"GREETING {greeting(branch, language)}",
        *_menu_lines(menu, branch.currency),
    ]
    if earlier:
        parts += [SEED_NOTE, earlier]
    return "\n".join(parts)


def language_name(language: str) -> str:
    """The English word for a language tag; the tag itself where it is not known."""
    return LANGUAGE_NAMES.get(language.partition("-")[0], language)


def _menu_lines(menu: Menu, currency: str) -> Iterator[str]:
    yield "CHOICES"
    for group in menu.groups.values():
        options = "; ".join(_option(option, menu, currency) for option in group.options)
        yield f"{group.id} ({_rule(group, '; ')}): {options}"
    yield "ITEMS"
    category = None
    for item in menu.items.values():
        if item.category != category:
            category = item.category
            yield f"# {_category_name(menu, category)}"
        yield _item(item, menu, currency)
    yield "END OF MENU"


def _rule(group: Group, mark: str) -> str:
    parts = [group.name, f"choose {group.min}" if group.min == group.max else f"choose {group.min} to {group.max}"]
    if group.quantity_max > 1:
        parts.append(f"each up to {group.quantity_max}")
    if group.default:
        parts.append(f"usually {' and '.join(group.default) if mark == ', ' else ', '.join(group.default)}")
    return mark.join(parts)


def _option(option: Option, menu: Menu, currency: str) -> str:
    sign = "+" if option.price_minor > 0 else ""
    price = f", {sign}{plain_amount(option.price_minor, currency)}" if option.price_minor else ""
    times = f", up to {option.quantity_max}" if option.quantity_max is not None else ""
    opens = f" > {_uses(option.opens, menu)}" if option.opens else ""
    return f"{option.id} = {_names(option.name, option.aliases)}{price}{times}{opens}"


def _item(item: Item, menu: Menu, currency: str) -> str:
    served = f"; served {item.served.spoken()}" if item.served is not None else ""
    choices = f"; choices: {_uses(item.groups, menu)}" if item.groups else ""
    price = plain_amount(item.price_minor, currency)
    return f"{item.id} = {_names(item.name, item.aliases)}; {price}{served}{choices}"


def _uses(groups: Sequence[Group], menu: Menu) -> str:
    """Group ids; one whose limits are others in this place has them behind it."""
    return ", ".join(
        group.id if _rule(group, "") == _rule(menu.groups[group.id], "") else f"{group.id} ({_limits(group)})"
        for group in groups
    )


def _limits(group: Group) -> str:
    return _rule(group, ", ").removeprefix(f"{group.name}, ")


def _names(name: str, aliases: Mapping[str, tuple[str, ...]]) -> str:
    return " / ".join(dict.fromkeys([name, *(alias for names in aliases.values() for alias in names)]))


def _category_name(menu: Menu, category_id: str) -> str:
    return next((category.name for category in menu.categories if category.id == category_id), category_id)
