"""From drafts to the menu: each option gets the groups that it opens, each place of a group its own limits.

An option opens the groups that it names; a part of a combo without any opens those of its item. What would open itself,
go too deep, or be more than a caller could ever hear is a mistake of the file.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from agiza.domain.document import Problems
from agiza.domain.ids import GroupId, ItemId, OptionId
from agiza.domain.menu_drafts import GroupDraft, GroupUse, ItemDraft, OptionDraft, Rules
from agiza.domain.menu_model import Group, Item, Option

DEPTH_MAX = 4  # of groups within groups: "make it a meal" > side > size leaves room for one more
PLACES_MAX = 500  # of one item: every option at every depth


class Nesting:
    """Builds groups and items once each; mistakes go to `problems`, and what is wrong opens nothing."""

    def __init__(
        self, groups: Mapping[GroupId, GroupDraft], items: Mapping[ItemId, ItemDraft], problems: Problems
    ) -> None:
        self._drafts = groups
        self._items = items
        self._problems = problems
        self._built: dict[GroupId, Group] = {}
        self._open: list[GroupId] = []
        self._places: dict[int, int] = {}
        self._kept: list[Group] = []  # so that no other group gets the identity of one that is gone

    def group(self, group_id: GroupId) -> Group:
        """The group as it is where no place changes its limits."""
        if group_id in self._built:
            return self._built[group_id]
        draft = self._drafts[group_id]
        self._open.append(group_id)
        options = tuple(self._option(draft, option) for option in draft.options)
        self._open.pop()
        built = Group(draft.id, draft.name, *_shown(draft, draft.rules), options)
        self._check_times(built, draft.path)
        return self._built.setdefault(group_id, built)

    def item(self, item_id: ItemId) -> Item:
        draft = self._items[item_id]
        groups = self._used(draft.uses, f"{draft.path}.groups")
        if sum(self._places_in(group) for group in groups) > PLACES_MAX:
            self._problems.add(f"{draft.path}.groups", f"there are more than {PLACES_MAX} choices in all")
            groups = ()
        return replace(draft.item, groups=groups)

    def _used(self, uses: tuple[GroupUse, ...], path: str) -> tuple[Group, ...]:
        groups = tuple(self._use(use) for use in uses)
        counts = Counter(option.id for group in groups for option in group.options)
        for option_id, count in counts.items():
            if count > 1:
                self._problems.add(path, f"option {option_id!r} stands in {count} groups of the item")
        return groups

    def _use(self, use: GroupUse) -> Group:
        group = self.group(use.id)
        if use.is_plain:
            return group
        draft = self._drafts[use.id]
        rules = draft.rules_for(use)
        draft.check(rules, use.path, self._problems)
        minimum, maximum, default, quantity_max = _shown(draft, rules)
        changed = replace(group, min=minimum, max=maximum, default=default, quantity_max=quantity_max)
        self._check_times(changed, use.path)
        return changed

    def _option(self, group: GroupDraft, draft: OptionDraft) -> Option:
        return Option(
            id=draft.id,
            name=draft.name,
            aliases=draft.aliases,
            price_minor=draft.price_minor,
            item=draft.item,
            kitchen=draft.kitchen,
            quantity_max=draft.quantity_max,
            opens=self._opened(draft),
        )

    def _opened(self, draft: OptionDraft) -> tuple[Group, ...]:
        uses, path = draft.uses, f"{draft.path}.groups"
        if draft.item is not None:
            part = self._items.get(draft.item)
            path = f"{draft.path}.item" if uses is None else path
            if part is None:
                self._problems.add(f"{draft.path}.item", f"there is no item {draft.item!r}")
                return ()
            if self._brings_parts(part.uses if uses is None else uses, set()):
                self._problems.add(f"{draft.path}.item", f"{draft.item!r} is a combo itself")
                return ()
            uses = part.uses if uses is None else uses
        known = []
        for use in uses or ():
            if use.id not in self._drafts:
                self._problems.add(use.path, f"there is no group {use.id!r}")
            elif use.id in self._open:
                self._problems.add(path, f"group {use.id!r} would open itself")
            elif len(self._open) >= DEPTH_MAX:
                self._problems.add(path, f"choices are nested more than {DEPTH_MAX} deep")
            else:
                known.append(use)
        return self._used(tuple(known), path)

    def _brings_parts(self, uses: tuple[GroupUse, ...], seen: set[GroupId]) -> bool:
        """Whether any option that these groups lead to is a part: a part within a part is nothing a kitchen prints."""
        for use in uses:
            if use.id in seen or use.id not in self._drafts:
                continue
            seen.add(use.id)
            for option in self._drafts[use.id].options:
                if option.item is not None or self._brings_parts(option.uses or (), seen):
                    return True
        return False

    def _places_in(self, group: Group) -> int:
        # remembered by identity: the same group may be reached on very many ways
        if id(group) not in self._places:
            inside = (self._places_in(opened) for option in group.options for opened in option.opens)
            self._places[id(group)] = len(group.options) + sum(inside)
            self._kept.append(group)
        return self._places[id(group)]

    def _check_times(self, group: Group, path: str) -> None:
        for option in group.options:
            if option.opens and group.times_max(option) > 1:
                self._problems.add(f"{path}.quantity_max", f"{option.id!r} opens choices, so it is taken once only")


def _shown(draft: GroupDraft, rules: Rules) -> tuple[int, int, tuple[OptionId, ...], int]:
    # defaults in the menu's order, so that a default configuration always looks the same
    default = tuple(option.id for option in draft.options if option.id in rules.default)
    return rules.min, rules.max, default, rules.quantity_max
