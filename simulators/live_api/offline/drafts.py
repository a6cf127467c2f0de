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
                return
        allowed = max(1, group.each_max) - receiver.count(choice[1])
        receiver.extend([choice[1]] * min(times, allowed))

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
