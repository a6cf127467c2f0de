"""What a menu allows and what it costs, told from the raw document alone: slow, plain, and without a line of the rules.

A configuration is a mapping from a path of option ids ('part0-0/leaf1-2') to how often that option is taken.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from math import floor
from typing import Any

Doc = dict[str, Any]
Config = dict[str, int]


class Oracle:
    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.items: dict[str, Doc] = {item["id"]: item for c in doc["categories"] for item in c["items"]}

    # -- what there is

    def group(self, use: Any) -> Doc:
        """The group as one place has it."""
        if isinstance(use, str):
            return self.doc["groups"][use]
        return {**self.doc["groups"][use["id"]], **{key: value for key, value in use.items() if key != "id"}}

    def opened(self, option: Doc) -> list[Doc]:
        if "groups" in option:
            return [self.group(use) for use in option["groups"]]
        return self.groups_of(option["item"]) if "item" in option else []

    def groups_of(self, item_id: str) -> list[Doc]:
        return [self.group(use) for use in self.items[item_id].get("groups", [])]

    def paths(self, item_id: str) -> list[str]:
        return [path for path, _ in self._walk(self.groups_of(item_id), "")]

    def crowds(self, item_id: str) -> list[list[str]]:
        """The options of each group that cannot have all of them, wherever it stands."""
        return list(self._crowds(self.groups_of(item_id), ""))

    def _crowds(self, groups: list[Doc], prefix: str) -> Iterator[list[str]]:
        for group in groups:
            if len(group["options"]) > group["max"]:
                yield [prefix + option["id"] for option in group["options"]]
            for option in group["options"]:
                yield from self._crowds(self.opened(option), f"{prefix}{option['id']}/")

    def _walk(self, groups: list[Doc], prefix: str) -> Iterator[tuple[str, Doc]]:
        for group in groups:
            for option in group["options"]:
                path = prefix + option["id"]
                yield path, option
                yield from self._walk(self.opened(option), path + "/")

    def count(self, item_id: str) -> int:
        """How many configurations there are, without making them."""
        return self._count(self.groups_of(item_id))

    def _count(self, groups: list[Doc]) -> int:
        total = 1
        for group in groups:
            ways = {
                option["id"]: _times_max(group, option) * self._count(self.opened(option))
                for option in group["options"]
            }
            total *= sum(_product(ways[name] for name in chosen) for chosen in _subsets(group))
        return total

    def configurations(self, item_id: str) -> list[Config]:
        """Every valid configuration."""
        return list(self._all(self.groups_of(item_id), ""))

    def _all(self, groups: list[Doc], prefix: str) -> Iterator[Config]:
        for parts in product(*(list(self._of_group(group, prefix)) for group in groups)):
            yield {path: times for part in parts for path, times in part.items()}

    def _of_group(self, group: Doc, prefix: str) -> Iterator[Config]:
        for chosen in _subsets(group):
            options = [option for option in group["options"] if option["id"] in chosen]
            ways = [
                [
                    {prefix + option["id"]: times, **inner}
                    for times in range(1, _times_max(group, option) + 1)
                    for inner in self._all(self.opened(option), f"{prefix}{option['id']}/")
                ]
                for option in options
            ]
            for parts in product(*ways):
                yield {path: times for part in parts for path, times in part.items()}

    # -- what can run out

    def entries(self) -> list[str]:
        """What the stock may name: items, and options as GROUP/OPTION."""
        options = [f"{name}/{o['id']}" for name, group in self.doc["groups"].items() for o in group["options"]]
        return [*options, *self.items]

    def entry_of(self, path: str) -> list[str]:
        """What would have to be out for this option to be."""
        last = path.rpartition("/")[2]
        found = [(name, o) for name, group in self.doc["groups"].items() for o in group["options"] if o["id"] == last]
        return [entry for name, o in found for entry in (f"{name}/{last}", o.get("item")) if entry is not None]

    def gone(self, out: set[str]) -> set[str]:
        """The options that cannot be had: they are out themselves, or the item that they bring is."""
        options = [option for group in self.doc["groups"].values() for option in group["options"]]
        return {key.split("/")[1] for key in out if "/" in key} | {o["id"] for o in options if o.get("item") in out}

    # -- what words come to

    def asked_for(self, item_id: str, named: list[str]) -> Config | None:
        """What an item with these options named comes to, or None if that is not possible: named ones, and of each
        group's defaults those that still have room, in the menu's order."""
        times: Config = {}
        for path in named:
            times[path] = times.get(path, 0) + 1
        for path in named:
            steps = path.split("/")
            for depth in range(1, len(steps)):
                times.setdefault("/".join(steps[:depth]), 1)
        config = self._asked(self.groups_of(item_id), "", times)
        # everything that was named must be in it
        return config if config is not None and times.keys() <= config.keys() else None

    def _asked(self, groups: list[Doc], prefix: str, times: Config) -> Config | None:
        config: Config = {}
        for group in groups:
            ids = [option["id"] for option in group["options"]]
            named = [name for name in ids if prefix + name in times]
            others = [name for name in ids if name in _default(group) and name not in named]
            chosen = [*named, *others[: max(0, group["max"] - len(named))]]
            if not group["min"] <= len(chosen) <= group["max"]:
                return None
            for option in group["options"]:
                if option["id"] not in chosen:
                    continue
                path = prefix + option["id"]
                if times.get(path, 1) > _times_max(group, option):
                    return None
                inner = self._asked(self.opened(option), path + "/", times)
                if inner is None:
                    return None
                config |= {path: times.get(path, 1), **inner}
        return config

    # -- what it costs

    def unit(self, item_id: str, config: Config) -> int:
        return self.items[item_id]["price_minor"] + self._cost(self.groups_of(item_id), "", config, inside=False)

    def _cost(self, groups: list[Doc], prefix: str, config: Config, inside: bool) -> int:
        cost = 0
        for group in groups:
            chosen = 0
            for option in group["options"]:
                path = prefix + option["id"]
                if path in config:
                    chosen += option.get("price_minor", 0) * config[path]
                    cost += self._cost(self.opened(option), path + "/", config, inside or "item" in option)
            if inside:
                comes_with = [o.get("price_minor", 0) for o in group["options"] if o["id"] in _default(group)]
                chosen = max(0, chosen - sum(comes_with))
            cost += chosen
        return cost

    def totals(self, lines: list[tuple[str, int, Config]], delivered: bool) -> tuple[int, int, int]:
        """(subtotal, tax, total) of (item, quantity, configuration)s."""
        branch = self.doc["branch"]
        taxes = branch["tax"] if isinstance(branch["tax"], list) else [{"id": "tax", **branch["tax"]}]
        usual = [tax["id"] for tax in taxes if tax.get("usual", True)]
        shown: dict[str, Fraction] = {}
        added: dict[str, Fraction] = {}
        subtotal = 0
        for item_id, quantity, config in lines:
            price = self.unit(item_id, config) * quantity
            subtotal += price
            borne = [tax for tax in taxes if tax["id"] in self.items[item_id].get("taxes", usual)]
            net = Fraction(price) / (1 + Fraction(sum(tax["rate_bp"] for tax in borne if tax["included"]), 10_000))
            for tax in borne:
                part = net * Fraction(tax["rate_bp"], 10_000)
                shown[tax["id"]] = shown.get(tax["id"], Fraction()) + part
                if not tax["included"]:
                    added[tax["id"]] = added.get(tax["id"], Fraction()) + part
        fee = branch["delivery"]["fee_minor"] if delivered and lines else 0
        if fee:
            borne = [tax for tax in taxes if tax["id"] in usual]
            net = Fraction(fee) / (1 + Fraction(sum(tax["rate_bp"] for tax in borne), 10_000))
            for tax in borne:
                shown[tax["id"]] = shown.get(tax["id"], Fraction()) + net * Fraction(tax["rate_bp"], 10_000)
        tax_minor = sum(_half_up(amount) for amount in shown.values())
        return subtotal, tax_minor, subtotal + fee + sum(_half_up(amount) for amount in added.values())


def _subsets(group: Doc) -> Iterator[tuple[str, ...]]:
    ids = [option["id"] for option in group["options"]]
    for size in range(group["min"], group["max"] + 1):
        yield from combinations(ids, size)


def _times_max(group: Doc, option: Doc) -> int:
    return option.get("quantity_max", group.get("quantity_max", 1))


def _default(group: Doc) -> list[str]:
    default = group.get("default", [])
    return default if isinstance(default, list) else [default]


def _product(numbers: Iterator[int]) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total


def _half_up(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))
