"""One order line while it is being heard: which options go where, and for how many units."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulators.live_api.offline.intents import Add, AddWhich, Share
from simulators.live_api.offline.lexicon import Choice
from simulators.live_api.offline.menu_text import Group, Menu


@dataclass(slots=True, eq=False)
class ShareDraft:
    quantity: int
    options: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LineDraft:
    """`items` are several while the name is ambiguous. Options go to the last opened share, else to every unit."""

    menu: Menu
    items: tuple[str, ...]
    heard: str
    quantity: int | None = 1
    counted: bool = False
    definite: bool = False
    options: list[str] = field(default_factory=list)
    shares: list[ShareDraft] = field(default_factory=list)
    share: ShareDraft | None = None
    parts_open: bool = False
    with_open: bool = False

    @property
    def receiver(self) -> list[str]:
        return self.options if self.share is None else self.share.options

    @property
    def units_left(self) -> int:
        """Units that no share has taken; plenty when nobody said how many there are."""
        if self.quantity is None:
            return 99
        return self.quantity - sum(share.quantity for share in self.shares)

    def fit(self, choices: Iterable[Choice]) -> Choice | None:
        """The choice that this item can have; the item's own order of groups decides between several."""
        wanted = tuple(choices)
        for item in self.items:
            for group in self.menu.groups_of(item):
                for choice in wanted:
                    if choice[0] == group.id:
                        return choice
        return None

    def group(self, choice: Choice) -> Group:
        return self.menu.groups[choice[0]]

    def chosen(self, choice: Choice) -> bool:
        """Whether every unit already has another option of the same "choose one"."""
        return self.group(choice).single and self._same_group(self.options, choice) is not None

    def put(self, choice: Choice, times: int = 1) -> None:
        """Give the option to the receiver; it replaces another one where only one may be chosen."""
        group, receiver = self.group(choice), self.receiver
        if group.single:
            former = self._same_group(receiver, choice)
            if former is not None:
                receiver[receiver.index(former)] = choice[1]
                if former != choice[1]:  # what was chosen within it goes with it
                    receiver[:] = [option for option in receiver if not option.startswith(f"{former}/")]
                return
        allowed = max(1, group.each_max) - receiver.count(choice[1])
        receiver.extend([choice[1]] * min(times, allowed))

    def put_inside(self, choices: Iterable[Choice], part: str | None = None) -> bool:
        """Give one of the choices to a part of this item: the one that is named, else the one that was named last, else
        the only one that it comes with and that can have it. False where there is none."""
        options = tuple(option for _, option in choices)
        groups = [group for item in self.items for group in self.menu.groups_of(item)]
        among = [group.id for group in groups]
        named = [option for option in reversed(self.receiver) if "/" not in option]
        chosen = [group for group in groups if any(group.option(option) for option in named)]
        usual = [option for group in groups if group not in chosen for option in group.usual]
        for parts in ([part],) if part is not None else (named, dict.fromkeys(usual)):
            found = [inner for each in parts if (inner := self.menu.inner(each, among, options)) is not None]
            if found and (parts is named or len(found) == 1):
                self._put_inner(found[0])
                return True
        return False

    def _put_inner(self, inner: str) -> None:
        """It replaces another one where only one may be chosen."""
        part, _, option = inner.rpartition("/")
        rivals = {
            f"{part}/{other.id}"
            for group in self.menu.groups.values()
            if group.single and group.option(option)
            for other in group.options
        }
        self.receiver[:] = [each for each in self.receiver if each not in rivals and each != inner]
        self.receiver.append(inner)

    def open_share(self, quantity: int) -> None:
        self.share = ShareDraft(quantity)
        self.shares.append(self.share)

    def _same_group(self, options: list[str], choice: Choice) -> str | None:
        own = {option.id for option in self.group(choice).options}
        return next((option for option in options if option in own), None)

    def taken(self, choice: Choice) -> bool:
        """Whether the receiver already has something of the choice's group."""
        return self._same_group(self.receiver, choice) is not None

    def finish(self) -> Add | AddWhich:
        shares = [Share(share.quantity, tuple(share.options)) for share in self.shares if share.options]
        options = list(self.options)
        if len(shares) == 1 and shares[0].quantity == self.quantity:
            options += shares.pop().options
        if len(self.items) > 1:
            return AddWhich(self.heard, self.items, self.quantity, tuple(options), tuple(shares))
        return Add(self.items[0], self.quantity, tuple(options), tuple(shares), self.definite)


@dataclass(frozen=True, slots=True)
class Placed:
    """An option that was just given to a line (or, without one, to something already ordered)."""

    line: LineDraft | None
    receiver: list[str]
    choices: tuple[Choice, ...]
    quantity: int | None
