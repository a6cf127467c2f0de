"""The menu part of a branch document: groups of choices, categories and items, with every mistake noted by its path."""

from collections import Counter
from collections.abc import Mapping

from agiza.domain.document import Node, Problems
from agiza.domain.ids import BranchId, CategoryId, GroupId, ItemId, OptionId
from agiza.domain.menu_model import Category, Group, Item, Menu, Option

PRICE_MINOR_MAX = 1_000_000_000
CHOICES_MAX = 50


def parse_menu(root: Node, branch_id: BranchId) -> Menu:
    """Reads `groups` and `categories` of the document's root; mistakes go to the root's problems."""
    groups: dict[GroupId, Group] = {}
    for group_id, node in root.children("groups"):
        groups[GroupId(group_id)] = _parse_group(GroupId(group_id), node)
    categories: list[Category] = []
    items: dict[ItemId, Item] = {}
    item_paths: dict[ItemId, str] = {}
    for node in root.nodes("categories"):
        category_id = CategoryId(node.slug("id"))
        if any(category.id == category_id for category in categories):
            node.note("id", f"category {category_id!r} is given twice")
        members: list[ItemId] = []
        for item_node in node.nodes("items"):
            item = _parse_item(item_node, category_id, groups)
            if item.id in items:
                item_node.note("id", f"item {item.id!r} is given twice")
                continue
            items[item.id] = item
            item_paths[item.id] = item_node.path
            members.append(item.id)
        if not members:
            node.note("items", "must hold at least one item")
        categories.append(Category(category_id, node.name("name"), tuple(members)))
        node.finish()
    menu = Menu(branch_id, tuple(categories), items, groups)
    _check_names(menu, item_paths, root.problems)
    _check_parts(menu, root.problems)
    _check_items(menu, item_paths, root.problems)
    return menu


def _parse_group(group_id: GroupId, node: Node) -> Group:
    name = node.name("name")
    minimum = node.integer("min", low=0, high=CHOICES_MAX)
    maximum = node.integer("max", low=1, high=CHOICES_MAX)
    quantity_max = node.integer("quantity_max", low=1, high=CHOICES_MAX, default=1)
    options: list[Option] = []
    for option_node in node.nodes("options"):
        option = _parse_option(option_node)
        if any(known.id == option.id for known in options):
            option_node.note("id", f"option {option.id!r} is given twice")
        elif any(known.name.casefold() == option.name.casefold() for known in options):
            option_node.note("name", f"two options are called {option.name!r}")
        options.append(option)
    if not options:
        node.note("options", "must hold at least one option")
    elif maximum > len(options):
        node.note("max", f"is {maximum}, but there are {len(options)} options")
    if minimum > maximum:
        node.note("min", f"is {minimum}, more than max, which is {maximum}")
    default = _parse_default(node, options, minimum, maximum)
    node.finish()
    return Group(group_id, name, minimum, maximum, default, quantity_max, tuple(options))


def _parse_option(node: Node) -> Option:
    item = ItemId(node.slug("item")) if node.has("item") else None
    if item is None:
        node.raw("item")
    option = Option(
        id=OptionId(node.slug("id")),
        name=node.name("name"),
        aliases=node.aliases("aliases"),
        price_minor=node.integer("price_minor", low=-PRICE_MINOR_MAX, high=PRICE_MINOR_MAX, default=0),
        item=item,
    )
    node.finish()
    return option


def _parse_default(node: Node, options: list[Option], minimum: int, maximum: int) -> tuple[OptionId, ...]:
    """One option id or a list of them; left out, a required group is asked for."""
    if not node.has("default"):
        node.raw("default")
        return ()
    value = node.raw("default")
    ids = node.texts("default") if isinstance(value, list) else (node.text("default"),)
    known = {option.id for option in options}
    for option_id in ids:
        if option_id and option_id not in known:
            node.note("default", f"{option_id!r} is no option of this group")
    if not minimum <= len(ids) <= maximum:
        node.note("default", f"chooses {len(ids)}, but the group wants {minimum} to {maximum}")
    chosen = set(ids)
    # in the menu's order, so that a default configuration always looks the same
    return tuple(option.id for option in options if option.id in chosen)


def _parse_item(node: Node, category_id: CategoryId, groups: Mapping[GroupId, Group]) -> Item:
    item_id = ItemId(node.slug("id"))
    chosen: list[Group] = []
    if node.has("groups"):
        for group_id in node.texts("groups"):
            group = groups.get(GroupId(group_id))
            if group is None:
                node.note("groups", f"there is no group {group_id!r}")
            else:
                chosen.append(group)
    else:
        node.raw("groups")
    item = Item(
        id=item_id,
        name=node.name("name"),
        kitchen=node.name("kitchen"),
        aliases=node.aliases("aliases"),
        price_minor=node.integer("price_minor", low=0, high=PRICE_MINOR_MAX),
        groups=tuple(chosen),
        category=category_id,
    )
    node.finish()
    return item


def _check_names(menu: Menu, paths: Mapping[ItemId, str], problems: Problems) -> None:
    first: dict[str, ItemId] = {}
    for item in menu.items.values():
        key = item.name.casefold()
        if key and key in first:
            problems.add(f"{paths[item.id]}.name", f"{first[key]!r} is called {item.name!r} too")
        first.setdefault(key, item.id)


def _check_parts(menu: Menu, problems: Problems) -> None:
    """A combo's part must be an item that is complete with its defaults and no combo itself."""
    for group in menu.groups.values():
        for index, option in enumerate(group.options):
            if option.item is None:
                continue
            path = f"groups.{group.id}.options[{index}].item"
            part = menu.items.get(option.item)
            if part is None:
                problems.add(path, f"there is no item {option.item!r}")
                continue
            if part.is_combo:
                problems.add(path, f"{part.id!r} is a combo itself")
            for part_group in part.groups:
                if len(part_group.default) < part_group.min:
                    problems.add(path, f"{part.id!r} has no default for its group {part_group.id!r}")


def _check_items(menu: Menu, paths: Mapping[ItemId, str], problems: Problems) -> None:
    for item in menu.items.values():
        counts = Counter(option.id for group in item.groups for option in group.options)
        for option_id, count in counts.items():
            if count > 1:
                problems.add(f"{paths[item.id]}.groups", f"option {option_id!r} stands in {count} groups of the item")
        cheapest = item.price_minor + sum(_lowest_price(group) for group in item.groups)
        if cheapest < 0:
            problems.add(f"{paths[item.id]}.price_minor", "the cheapest choice would cost less than nothing")


def _lowest_price(group: Group) -> int:
    """What a group can take off at most: its reductions, each as often as allowed, up to `max` different ones."""
    reductions = sorted(option.price_minor for option in group.options if option.price_minor < 0)
    return sum(reductions[: group.max]) * group.quantity_max
