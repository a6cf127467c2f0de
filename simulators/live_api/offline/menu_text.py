"""The menu, read out of a session's setup message.

The instruction may hold these lines among its prose (one group or item per line):

    BRANCH Name; currency KES; languages en, sw; fulfilment pickup, delivery
    GREETING what the agent says first
    group-id (name; choose 0 to 2; each up to 3; usually a): a = name / alias; b = name, +80.00, up to 2 > group-id
    # Category
    item-id = name / alias; 550.00; served from 7 am to 11 am; choices: group-id, group-id (choose 1, usually b)
    END OF MENU

Behind `>` stand the groups that open with an option, in parentheses the limits that a group has for this item only.
Prices have the decimal places of the currency, so 550.00 is 55000 minor units and 550 is 550.

Any of it may be missing. An instruction without item lines leaves the enums of the function declarations: ids are then
spoken as their words, and any option is taken to go with any item (the server judges).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulators.live_api.offline.turns import AgentSetup

_ID = r"[a-z0-9][a-z0-9-]*"
_GROUP = re.compile(rf"^(?P<id>{_ID}) \((?P<rule>[^)]*)\): *(?P<options>.*)$")
_ITEM = re.compile(rf"^(?P<id>{_ID}) = (?P<names>[^;]+)(?P<rest>;.*)?$")
_OPTION = re.compile(
    rf"^(?P<id>{_ID}) = (?P<names>.+?)(?:, *(?P<price>[+-][\d.]+))?(?:, *up to (?P<each>\d+))?(?: *> *(?P<opens>.+))?$"
)
_USE = re.compile(rf"(?P<id>{_ID})(?: \((?P<rule>[^)]*)\))?")
_PRICE = re.compile(r"^\d+(?:\.\d+)?$")
_CHOOSE = re.compile(r"^choose (\d+)(?: to (\d+))?$")
_EACH = re.compile(r"^each up to (\d+)$")


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    spoken: tuple[str, ...]
    price_minor: int = 0
    each_max: int | None = None
    opens: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.spoken[0]


@dataclass(frozen=True, slots=True)
class Group:
    """`choose_min` and `choose_max` count different options; `each_max` is how often one of them may be taken."""

    id: str
    name: str
    options: tuple[Option, ...]
    choose_min: int = 0
    choose_max: int = 99
    each_max: int = 1
    usual: tuple[str, ...] = ()

    def option(self, option_id: str) -> Option | None:
        return next((option for option in self.options if option.id == option_id), None)

    @property
    def single(self) -> bool:
        return self.choose_max == 1


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    spoken: tuple[str, ...]
    price_minor: int | None = None
    groups: tuple[str, ...] = ()
    category: str = ""

    @property
    def name(self) -> str:
        return self.spoken[0]


@dataclass(frozen=True, slots=True)
class Menu:
    """What the setup message tells. Maps keep the order of the message."""

    branch: str = ""
    currency: str = ""
    fulfilment: tuple[str, ...] = ()
    greeting: str = ""
    items: Mapping[str, Item] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    escalation_reasons: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Between which the caller may switch."""
    speaking: str = "en"
    continued: bool = False
    """A lost session goes on: something stands behind the menu, and the caller was greeted already."""

    def groups_of(self, item_id: str) -> tuple[Group, ...]:
        item = self.items.get(item_id)
        return tuple(self.groups[name] for name in item.groups if name in self.groups) if item else ()

    def inner(self, part: str, among: Iterable[str], options: Iterable[str]) -> str | None:
        """One of these options within the part of an item that has the groups `among`, as "fries/large"; None where the
        part does not open it."""
        wanted = tuple(options)
        for option in (own for name in among if name in self.groups if (own := self.groups[name].option(part))):
            for group in (self.groups[name] for name in option.opens if name in self.groups):
                for one in group.options:
                    if one.id in wanted:
                        return f"{part}/{one.id}"
        return None

    def can_have(self, item_id: str, option: str) -> bool:
        """Whether the item has this option, or its part this choice ("fries/large")."""
        groups = self.groups_of(item_id)
        part, _, own = option.rpartition("/")
        if part:
            return self.inner(part, [group.id for group in groups], [own]) is not None
        return any(group.option(own) for group in groups)

    def option_name(self, option_id: str, item_id: str | None = None) -> str:
        groups = self.groups_of(item_id) if item_id else tuple(self.groups.values())
        found = (option for group in groups for option in group.options if option.id == option_id)
        option = next(found, None)
        return option.name if option else option_id.replace("-", " ")

    def item_name(self, item_id: str) -> str:
        item = self.items.get(item_id)
        return item.name if item else item_id.replace("-", " ")


def read_menu(setup: AgentSetup) -> Menu:
    """The menu of a setup message; an empty one when it says nothing. Lines that fit no shape are prose."""
    head: dict[str, str] = {}
    items: dict[str, Item] = {}
    groups: dict[str, Group] = {}
    category, ended, continued = "", False, False
    for line in setup.instruction.splitlines():
        line = line.strip()
        if ended:
            continued = continued or bool(line)
        elif line.startswith(("BRANCH ", "GREETING ")):
            head.setdefault(line.split(" ", 1)[0], line.split(" ", 1)[1].strip())
        elif line.startswith("# "):
            category = line[2:].strip()
        elif line == "END OF MENU":
            ended = True
        elif found := _GROUP.match(line):
            group = _group(found)
            groups.setdefault(group.id, group)
        elif found := _ITEM.match(line):
            item = _item(found, category, groups)
            items.setdefault(item.id, item)
    functions = {str(entry.get("name", "")): entry for entry in setup.declarations}
    if not items:
        items, groups = _from_enums(functions)
    branch, parts = _branch(head.get("BRANCH", ""))
    return Menu(
        branch=branch,
        currency=parts.get("currency", ""),
        fulfilment=_commas(parts.get("fulfilment", "")) or tuple(_enum(functions, "setCustomer", "fulfilment")),
        greeting=head.get("GREETING", ""),
        items=items,
        groups=groups,
        tools=frozenset(functions),
        escalation_reasons=tuple(_enum(functions, "escalate", "reason")),
        languages=tuple(_enum(functions, "switchLanguage", "language")),
        speaking=parts.get("speaking", "en"),
        continued=continued,
    )


def _branch(line: str) -> tuple[str, dict[str, str]]:
    name, *rest = (part.strip() for part in line.split(";"))
    return name, dict(part.split(" ", 1) for part in rest if " " in part)


def _group(found: re.Match[str]) -> Group:
    name, *rules = (part.strip() for part in found["rule"].split(";"))
    options = tuple(_options(found["options"]))
    return _ruled(Group(found["id"], name or found["id"], options), rules)


def _ruled(group: Group, rules: Sequence[str]) -> Group:
    """The group with these limits, and with its own where they say nothing."""
    choose_min, choose_max, each_max, usual = group.choose_min, group.choose_max, group.each_max, group.usual
    for rule in rules:
        if match := _CHOOSE.match(rule):
            choose_min, choose_max = int(match[1]), int(match[2] or match[1])
        elif match := _EACH.match(rule):
            each_max = int(match[1])
        elif rule.startswith("usually "):
            usual = tuple(re.split(r", *| and ", rule.removeprefix("usually ")))
    return replace(group, choose_min=choose_min, choose_max=choose_max, each_max=each_max, usual=usual)


def _options(text: str) -> Iterator[Option]:
    for part in text.split(";"):
        if found := _OPTION.match(part.strip()):
            opens = tuple(use["id"] for use in _USE.finditer(found["opens"] or ""))
            each_max = int(found["each"]) if found["each"] else None
            names = _names(found["names"], found["id"])
            yield Option(found["id"], names, _minor(found["price"] or "0"), each_max, opens)


def _item(found: re.Match[str], category: str, known: dict[str, Group]) -> Item:
    """The item; a group with other limits in this place becomes one of its own, named by both."""
    price: int | None = None
    groups: tuple[str, ...] = ()
    for part in (part.strip() for part in (found["rest"] or "").split(";")):
        if _PRICE.match(part):
            price = _minor(part)
        elif part.startswith("choices:"):
            groups = tuple(_used(use, found["id"], known) for use in _USE.finditer(part.removeprefix("choices:")))
    return Item(found["id"], _names(found["names"], found["id"]), price, groups, category)


def _used(use: re.Match[str], item_id: str, known: dict[str, Group]) -> str:
    group = known.get(use["id"])
    if group is None or use["rule"] is None:
        return use["id"]
    # what is usual elsewhere is not usual here unless it is said
    rules = use["rule"].split(", ")
    here = _ruled(replace(group, id=f"{item_id}/{group.id}", each_max=1, usual=()), rules)
    known[here.id] = here
    return here.id


def _names(text: str, fallback: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(" / ") if name.strip()))
    return names or (fallback.replace("-", " "),)


def _commas(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _minor(price: str) -> int:
    return int(price.replace(".", ""))


def _from_enums(functions: Mapping[str, Mapping[str, object]]) -> tuple[dict[str, Item], dict[str, Group]]:
    """Items and one common group "choice" from the enums of addItem and applyModifier."""
    item_ids = [*_enum(functions, "addItem", "name"), *_enum(functions, "applyModifier", "item")]
    option_ids = [*_enum(functions, "addItem", "modifiers"), *_enum(functions, "applyModifier", "modifier")]
    options = tuple(Option(name, (name.replace("-", " "),)) for name in dict.fromkeys(option_ids))
    groups = {"choice": Group("choice", "choice", options)} if options else {}
    return {name: Item(name, (name.replace("-", " "),), groups=tuple(groups)) for name in item_ids}, groups


def _enum(functions: Mapping[str, Mapping[str, object]], function: str, argument: str) -> list[str]:
    """The values an argument may have, or the values of its elements if it is a list."""
    parameters = _object(functions.get(function, {}).get("parameters"))
    schema = _object(_object(parameters.get("properties")).get(argument))
    values = schema.get("enum", _object(schema.get("items")).get("enum"))
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
