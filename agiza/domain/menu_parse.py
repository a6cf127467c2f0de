"""The menu part of a branch document: groups of choices, categories and items, with every mistake noted by its path."""

from collections.abc import Mapping

from agiza.domain.document import Node, Problems
from agiza.domain.hours import OpeningHours
from agiza.domain.hours_parse import read_day_parts, served_hours
from agiza.domain.ids import CategoryId, GroupId, ItemId, OptionId
from agiza.domain.menu_drafts import GroupDraft, GroupUse, ItemDraft, OptionDraft, Rules
from agiza.domain.menu_model import Branch, Category, Item, Menu, Tax
from agiza.domain.menu_nesting import Nesting
from agiza.domain.tax_parse import named_taxes, usual_taxes

PRICE_MINOR_MAX = 1_000_000_000
CHOICES_MAX = 50


def parse_menu(root: Node, branch: Branch) -> Menu:
    """Reads `groups`, `day_parts` and `categories` of the document's root; mistakes go to the root's problems."""
    drafts = {GroupId(group_id): _parse_group(GroupId(group_id), node) for group_id, node in root.children("groups")}
    day_parts = read_day_parts(root, branch.timezone)
    categories: list[Category] = []
    items: dict[ItemId, ItemDraft] = {}
    for node in root.nodes("categories"):
        category_id = CategoryId(node.slug("id"))
        if any(category.id == category_id for category in categories):
            node.note("id", f"category {category_id!r} is given twice")
        served = served_hours(node, day_parts, None)
        taxes = named_taxes(node, branch.taxes, usual_taxes(branch.taxes))
        members: list[ItemId] = []
        for item_node in node.nodes("items"):
            draft = _parse_item(item_node, category_id, drafts, day_parts, served, branch.taxes, taxes)
            if draft.id in items:
                item_node.note("id", f"item {draft.id!r} is given twice")
                continue
            items[draft.id] = draft
            members.append(draft.id)
        if not members:
            node.note("items", "must hold at least one item")
        categories.append(Category(category_id, node.name("name"), tuple(members)))
        node.finish()
    nesting = Nesting(drafts, items, root.problems)
    groups = {group_id: nesting.group(group_id) for group_id in drafts}
    menu = Menu(branch.id, tuple(categories), {item_id: nesting.item(item_id) for item_id in items}, groups)
    _check_names(menu, items, root.problems)
    _check_prices(menu, items, root.problems)
    return menu


def _parse_group(group_id: GroupId, node: Node) -> GroupDraft:
    name = node.name("name")
    minimum = node.integer("min", low=0, high=CHOICES_MAX)
    maximum = node.integer("max", low=1, high=CHOICES_MAX)
    quantity_max = node.integer("quantity_max", low=1, high=CHOICES_MAX, default=1)
    options: list[OptionDraft] = []
    for option_node in node.nodes("options"):
        option = _parse_option(option_node)
        if any(known.id == option.id for known in options):
            option_node.note("id", f"option {option.id!r} is given twice")
        elif any(known.name.casefold() == option.name.casefold() for known in options):
            option_node.note("name", f"two options are called {option.name!r}")
        options.append(option)
    if not options:
        node.note("options", "must hold at least one option")
    draft = GroupDraft(
        id=group_id,
        path=node.path,
        name=name,
        rules=Rules(minimum, maximum, _read_default(node) or (), quantity_max),
        options=tuple(options),
    )
    draft.check(draft.rules, node.path, node.problems)
    node.finish()
    return draft


def _parse_option(node: Node) -> OptionDraft:
    item = ItemId(node.slug("item")) if node.has("item") else None
    if item is None:
        node.raw("item")
    option = OptionDraft(
        id=OptionId(node.slug("id")),
        path=node.path,
        name=node.name("name"),
        aliases=node.aliases("aliases"),
        price_minor=node.integer("price_minor", low=-PRICE_MINOR_MAX, high=PRICE_MINOR_MAX, default=0),
        item=item,
        kitchen=node.name("kitchen") if node.has("kitchen") else None,
        quantity_max=node.integer("quantity_max", low=1, high=CHOICES_MAX) if node.has("quantity_max") else None,
        uses=_read_uses(node) if node.has("groups") else None,
    )
    for key in ("kitchen", "quantity_max", "groups"):
        node.raw(key)
    node.finish()
    return option


def _read_default(node: Node) -> tuple[OptionId, ...] | None:
    """One option id or a list of them; left out, a required group is asked for."""
    value = node.raw("default")
    if value is None:
        return None
    texts = node.texts("default") if isinstance(value, list) else (node.text("default"),)
    return tuple(OptionId(text) for text in texts if text)


def _read_uses(node: Node) -> tuple[GroupUse, ...]:
    """`groups` of an item or an option: ids, or mappings with an id and other limits for this place alone."""
    value = node.raw("groups")
    if not isinstance(value, list) or all(isinstance(entry, str) for entry in value):
        return tuple(GroupUse(GroupId(text), node.at("groups")) for text in node.texts("groups"))
    uses: list[GroupUse] = []
    for index, entry in enumerate(value):
        where = f"{node.at('groups')}[{index}]"
        if isinstance(entry, str):
            use = GroupUse(GroupId(entry), node.at("groups"))
        else:
            child = Node(entry, where, node.problems)
            use = GroupUse(
                id=GroupId(child.slug("id")),
                path=where,
                min=_override(child, "min", 0),
                max=_override(child, "max", 1),
                default=_read_default(child),
                quantity_max=_override(child, "quantity_max", 1),
            )
            child.finish()
        if any(known.id == use.id for known in uses):
            node.problems.add(where, f"{use.id!r} is given twice")
        uses.append(use)
    return tuple(uses)


def _override(node: Node, key: str, low: int) -> int | None:
    value = node.raw(key)
    return None if value is None else node.integer(key, low=low, high=CHOICES_MAX)


def _parse_item(
    node: Node,
    category_id: CategoryId,
    groups: Mapping[GroupId, GroupDraft],
    day_parts: Mapping[str, OpeningHours],
    served: OpeningHours | None,
    taxes: tuple[Tax, ...],
    usual: tuple[Tax, ...],
) -> ItemDraft:
    item_id = ItemId(node.slug("id"))
    uses = _read_uses(node) if node.has("groups") else ()
    node.raw("groups")
    for use in uses:
        if use.id not in groups:
            node.problems.add(use.path, f"there is no group {use.id!r}")
    item = Item(
        id=item_id,
        name=node.name("name"),
        kitchen=node.name("kitchen"),
        aliases=node.aliases("aliases"),
        price_minor=node.integer("price_minor", low=0, high=PRICE_MINOR_MAX),
        groups=(),
        category=category_id,
        served=served_hours(node, day_parts, served),
        taxes=named_taxes(node, taxes, usual),
    )
    node.finish()
    return ItemDraft(item, node.path, tuple(use for use in uses if use.id in groups))


def _check_names(menu: Menu, drafts: Mapping[ItemId, ItemDraft], problems: Problems) -> None:
    first: dict[str, ItemId] = {}
    for item in menu.items.values():
        key = item.name.casefold()
        if key and key in first:
            problems.add(f"{drafts[item.id].path}.name", f"{first[key]!r} is called {item.name!r} too")
        first.setdefault(key, item.id)


def _check_prices(menu: Menu, drafts: Mapping[ItemId, ItemDraft], problems: Problems) -> None:
    for item in menu.items.values():
        if item.price_minor + sum(group.lowest_price for group in item.groups) < 0:
            problems.add(f"{drafts[item.id].path}.price_minor", "the cheapest choice would cost less than nothing")
