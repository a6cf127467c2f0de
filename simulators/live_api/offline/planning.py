"""From wishes to function calls: which line of the cart is meant, and what to call for it.

What cannot be decided from menu and cart is left to the server, which asks back with options, or becomes a question
of the agent's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from simulators.live_api.offline.cart import CartLine, CartView
from simulators.live_api.offline.intents import (
    Add,
    AddWhich,
    Customer,
    Edit,
    Modify,
    More,
    Ref,
    Remove,
    Replace,
    SetQuantity,
    Share,
    TakeOff,
    Wish,
)
from simulators.live_api.offline.lexicon import Lexicon
from simulators.live_api.offline.turns import ToolRequest
from simulators.live_api.offline.wording import plural


@dataclass(slots=True)
class Plan:
    """Calls to make now, sentences to say about what cannot be done, and wishes that need an answer first."""

    requests: list[ToolRequest] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    open: list[AddWhich | Add | Replace] = field(default_factory=list)


class Planner:
    """Plans one utterance. `focus` are the lines touched last, the most recent one at the end."""

    def __init__(self, lexicon: Lexicon, cart: CartView, focus: Sequence[str]) -> None:
        self._lexicon = lexicon
        self._menu = lexicon.menu
        self._cart = cart
        recent = [line for line_id in reversed(focus) if (line := cart.line(line_id)) is not None]
        self._recent = [*recent, *(line for line in reversed(cart.lines) if line not in recent)]
        self._focus = recent
        self.plan = Plan()

    def edit(self, edit: Edit) -> None:
        match edit:
            case Add():
                self._add(edit)
            case AddWhich():
                self.plan.open.append(edit)
            case Modify():
                self._modify(edit)
            case TakeOff():
                self._take_off(edit)
            case Remove():
                self._remove(edit)
            case SetQuantity():
                self._set_quantity(edit)
            case More():
                self._more(edit)
            case Replace():
                self._replace(edit)

    def customer(self, customer: Customer) -> None:
        said = {
            "fulfilment": customer.fulfilment,
            "address": customer.address,
            "name": customer.name,
            "phone": customer.phone,
        }
        self._call("setCustomer", **{name: value for name, value in said.items() if value})

    # -- adding

    def _add(self, add: Add) -> None:
        lines = [line for line in self._cart.lines if line.item == add.item]
        if add.definite and lines and (add.options or add.shares):
            self._change_existing(add)  # "the wings should be hot": those that are ordered
        elif add.quantity is None:
            self.plan.open.append(add)
        else:
            for quantity, options in _split(add, self._single_groups(add.item)):
                self._call("addItem", name=add.item, quantity=quantity, **_modifiers(options))

    def _change_existing(self, add: Add) -> None:
        ref = Ref(add.item)
        shares = add.shares or (Share(add.quantity or 1, ()),)
        for share in shares:
            wishes = tuple((option,) for option in (*add.options, *share.options))
            self._modify(Modify(ref, wishes, share.quantity if add.shares else None))

    def _single_groups(self, item: str) -> list[frozenset[str]]:
        return [frozenset(o.id for o in group.options) for group in self._menu.groups_of(item) if group.single]

    # -- options

    def _modify(self, modify: Modify) -> None:
        if len(modify.wishes) > 1 and modify.quantity is not None and self._exchange(modify, modify.quantity):
            return
        for wish in dict.fromkeys(modify.wishes):
            lines = [line for line in self._lines_of(modify.ref) if self._option_for(line, wish)]
            if not lines and self._modify_part(modify, wish):
                continue
            if not lines:
                self._cannot_modify(modify.ref, wish)
                continue
            line, option = lines[0], self._option_for(lines[0], wish)
            times = modify.wishes.count(wish)
            quantity = modify.quantity if times == 1 else times * line.quantity
            if not modify.ref.is_that and len(lines) > 1 and line not in self._focus:
                self._call("applyModifier", item=line.item, modifier=option, **_given(quantity=quantity))
                continue
            if quantity is not None and times == 1 and quantity >= line.quantity:
                quantity = None
            self._call("applyModifier", item=line.item, modifier=option, line=line.id, **_given(quantity=quantity))

    def _modify_part(self, modify: Modify, wish: Wish) -> bool:
        """ "make the fries large", where the fries are part of a combo."""
        owner = self._combo_with(modify.ref.item) if modify.ref.item is not None else None
        if owner is None or modify.ref.item is None:
            return False
        for _, part in self._lexicon.parts((modify.ref.item,)):
            if part in owner.options and (option := self._option_for(owner, wish, part)) is not None:
                units = modify.quantity if modify.quantity is not None and modify.quantity < owner.quantity else None
                self._call("applyModifier", item=owner.item, modifier=option, line=owner.id, **_given(quantity=units))
                return True
        return False

    def _exchange(self, modify: Modify, units: int) -> bool:
        """Several options for some units of a line: the units get a line of their own at once, since a second
        applyModifier could not name the line that the first one makes."""
        lines = [
            line for line in self._lines_of(modify.ref) if all(self._option_for(line, wish) for wish in modify.wishes)
        ]
        if not lines or units >= lines[0].quantity:
            return False
        line = lines[0]
        chosen = tuple(option for wish in modify.wishes if (option := self._option_for(line, wish)))
        new = Add(line.item, units, chosen)
        self._call("removeItem", line=line.id, quantity=units)
        self._add(replace(new, options=self._kept(line, new)))
        return True

    def _cannot_modify(self, ref: Ref, wish: Wish) -> None:
        choices = [
            (group.id, option) for group in self._menu.groups.values() for option in wish if group.option(option)
        ]
        implied = self._lexicon.implied_item(choices)
        name = self._menu.option_name(wish[0]) if wish else "that"
        if implied is not None and ref.is_that:
            option = next(o for g in self._menu.groups_of(implied) for o in wish if g.option(o))
            self._call("addItem", name=implied, quantity=1, modifiers=[option])
        elif not self._cart.lines:
            self.plan.remarks.append(f"What would you like with {name}?")
        elif ref.item is not None and ref.item not in self._cart.items:
            self._not_ordered(ref)
        else:
            self.plan.remarks.append(f"Sorry, {name} cannot be chosen for that.")

    def _take_off(self, wanted: TakeOff) -> None:
        for wish in dict.fromkeys(wanted.wishes):
            lines = [line for line in self._lines_of(wanted.ref) if set(wish) & set(line.options)]
            if lines:
                option = next(option for option in wish if option in lines[0].options)
                self._call("applyModifier", item=lines[0].item, modifier=option, line=lines[0].id, quantity=0)
            else:
                self.plan.remarks.append("That is not in the order.")

    def _option_for(self, line: CartLine, wish: Wish, part: str | None = None) -> str | None:
        """The option of the line, or within its named or only part that can have it: "fries/large"."""
        groups = self._menu.groups_of(line.item)
        own = next((option for group in groups for option in wish if group.option(option)), None)
        if own is not None and part is None:
            return own
        among = [group.id for group in groups]
        parts = [part] if part is not None else list(dict.fromkeys(line.options))
        inner = [found for each in parts if (found := self._menu.inner(each, among, wish)) is not None]
        return inner[0] if len(inner) == 1 else None

    # -- lines

    def _remove(self, remove: Remove) -> None:
        lines = self._lines_of(remove.ref)
        if remove.every and not remove.ref.is_that:
            for line in lines:
                self._call("removeItem", line=line.id)
        elif remove.ref.is_that or len(lines) == 1 or (lines and lines[0] in self._focus and not remove.ref.wishes):
            self._remove_line(lines, remove)
        elif lines:
            self._call("removeItem", item=lines[0].item, **_given(quantity=remove.quantity))
        elif remove.ref.item is not None and (owner := self._combo_with(remove.ref.item)) is not None:
            name = self._menu.item_name(remove.ref.item)
            self.plan.remarks.append(f"The {name} belongs to the {self._menu.item_name(owner.item)}.")
        else:
            self._not_ordered(remove.ref)

    def _remove_line(self, lines: Sequence[CartLine], remove: Remove) -> None:
        if not lines:
            self.plan.remarks.append("There is nothing in the order yet.")
            return
        quantity = remove.quantity if remove.quantity and remove.quantity < lines[0].quantity else None
        self._call("removeItem", line=lines[0].id, **_given(quantity=quantity))

    def _not_ordered(self, ref: Ref) -> None:
        name = plural(self._menu.item_name(ref.item), 2) if ref.item else "such things"
        self.plan.remarks.append(f"There are no {name} in the order.")

    def _set_quantity(self, wanted: SetQuantity) -> None:
        lines = self._lines_of(wanted.ref)
        if not lines:
            if wanted.ref.item is not None:
                self._add(Add(wanted.ref.item, wanted.quantity))
            else:
                self.plan.remarks.append("There is nothing in the order yet.")
        elif len(lines) > 1 and not wanted.ref.is_that and lines[0] not in self._focus:
            self._call("changeQuantity", item=lines[0].item, quantity=wanted.quantity)
        else:
            self._call("changeQuantity", line=lines[0].id, quantity=wanted.quantity)

    def _more(self, more: More) -> None:
        lines = self._lines_of(more.ref)
        if not lines:
            self.plan.remarks.append("There is nothing in the order yet.")
        elif not more.wishes:
            quantity = lines[0].quantity + more.quantity
            self._call("changeQuantity", line=lines[0].id, quantity=quantity)
        else:
            fitting = (self._option_for(lines[0], wish) for wish in more.wishes)
            self._add(Add(lines[0].item, more.quantity, tuple(option for option in fitting if option)))

    def _replace(self, wanted: Replace) -> None:
        lines = self._lines_of(wanted.ref)
        new = wanted.new
        if isinstance(new, AddWhich) and lines:
            narrowed = self._lexicon.among(new.candidates, self._menu.item_name(lines[0].item))
            if len(narrowed) == 1:  # "make that a combo", said of a chicken burger
                new = Add(narrowed[0], new.quantity, new.options, new.shares)
        if self._change_part(lines, wanted.ref, new):
            return
        if isinstance(new, AddWhich):
            self.plan.open.append(Replace(wanted.ref, new))
            return
        if lines:
            old = lines[0]
            units = new.quantity if new.quantity is not None and new.quantity < old.quantity else None
            self._call("removeItem", line=old.id, **_given(quantity=units))
            new = replace(new, quantity=new.quantity or old.quantity, options=self._kept(old, new), definite=False)
        self._add(replace(new, quantity=new.quantity or 1))

    def _kept(self, old: CartLine, new: Add) -> tuple[str, ...]:
        """The new line's options, and those of the old one that were chosen and fit as well."""
        usual = {option for group in self._menu.groups_of(old.item) for option in group.usual}
        groups = self._menu.groups_of(new.item)
        taken = {group.id for group in groups for option in new.options if group.single and group.option(option)}
        kept = [
            option
            for option in old.options
            for group in groups
            if group.option(option) and group.id not in taken and option not in usual and option not in new.options
        ]
        return (*new.options, *kept)

    def _change_part(self, lines: Sequence[CartLine], ref: Ref, new: Add | AddWhich) -> bool:
        """ "change the soda to water", where the soda is part of a combo; "make one of the combos with water"."""
        if not isinstance(new, Add):
            return False
        owner = lines[0] if lines else self._combo_with(ref.item) if ref.item is not None else None
        groups = self._menu.groups_of(owner.item) if owner is not None else ()
        for group_id, option in self._lexicon.parts((new.item,)):
            if owner is not None and any(group.id == group_id for group in groups):
                units = new.quantity if new.quantity is not None and new.quantity < owner.quantity else None
                self._call("applyModifier", item=owner.item, modifier=option, line=owner.id, **_given(quantity=units))
                within = (self._option_for(owner, (each,), option) for each in new.options if units is None)
                for inner in (each for each in within if each is not None):
                    self._call("applyModifier", item=owner.item, modifier=inner, line=owner.id)
                return True
        return False

    def _combo_with(self, item: str) -> CartLine | None:
        parts = {option for _, option in self._lexicon.parts((item,))}
        return next((line for line in self._recent if line.item != item and parts & set(line.options)), None)

    def _lines_of(self, ref: Ref) -> list[CartLine]:
        """The lines that are pointed at, the most recent first."""
        if ref.is_that:
            lines = self._recent
        else:
            wanted = {ref.item} if ref.item else set(ref.candidates)
            lines = [line for line in self._recent if line.item in wanted]
        return [line for line in lines if all(set(wish) & set(line.options) for wish in ref.wishes)]

    def _call(self, tool: str, /, **args: object) -> None:
        self.plan.requests.append(ToolRequest(tool, args))


def _split(add: Add, single: Sequence[frozenset[str]]) -> Iterable[tuple[int, tuple[str, ...]]]:
    """(how many, with which options) for units that differ; those without anything of their own come first."""
    left = (add.quantity or 1) - sum(share.quantity for share in add.shares)
    if left > 0:
        yield left, add.options
    for share in add.shares:
        own = set(share.options)
        replaced = {option for group in single if group & own for option in group}
        yield share.quantity, (*(option for option in add.options if option not in replaced), *share.options)


def _modifiers(options: Sequence[str]) -> dict[str, object]:
    return {"modifiers": list(options)} if options else {}


def _given(**args: object) -> dict[str, object]:
    return {name: value for name, value in args.items() if value is not None}
