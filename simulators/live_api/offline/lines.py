"""The lines of an utterance as they are heard: where each name, number and option belongs.

The hard part of an order is attachment: in "two chicken burgers, one with no onions, a large fries" the second number
counts units of the first line, the third one begins a line. What stands between two names (a number, an article,
"with", "and") decides, together with what each item can have.
"""

from dataclasses import replace

from simulators.live_api.offline.cursor import Cursor, choices_of, is_item, is_option, option_ids
from simulators.live_api.offline.drafts import LineDraft, Placed
from simulators.live_api.offline.intents import Intent, Modify, More, NotOnMenu, Ref, Replace, TakeOff, Wish
from simulators.live_api.offline.lexicon import BareNoun, Choice
from simulators.live_api.offline.parts import take_as_part, take_implied_part
from simulators.live_api.offline.segments import NAME, Segment

_NEGATIVE_STARTS = frozenset(("no", "without", "hold", "minus", "skip", "remove", "dont", "nor", "bila"))
_POSITIVE_STARTS = frozenset(("with", "extra", "add", "plus", "added", "double", "additional"))
_BEHIND_STARTS = _NEGATIVE_STARTS | _POSITIVE_STARTS - {"double"}
_USUAL_WORDS = frozenset(("normal", "regular", "medium", "plain"))


class Lines:
    """What was understood so far (`out`), the line that takes options now (`line`), and the words still waiting."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.lexicon = cursor.lexicon
        self.menu = cursor.lexicon.menu
        self.out: list[Intent | LineDraft] = []
        self.line: LineDraft | None = None
        self.instead_of: Ref | None = None
        self.placed: list[Placed] = []
        self.correcting = False
        self.everyone: list[LineDraft] = []  # "both with no onions", after two lines
        self.forget_words()

    def forget_words(self) -> None:
        """Start the next name without a number, "with" or "the" in front of it."""
        self.number: Segment | None = None
        self.number_with = False  # "one with": what follows is for one unit
        self.with_ = False
        self.joined = False
        self.definite = False
        self.wanting = False
        self.another = False
        self.negative: bool | None = None  # of the last option: "no", "extra", or neither was said yet
        self.before: list[Segment] = []  # options that stand in front of their item

    def drafts(self) -> list[LineDraft]:
        return [part for part in self.out if isinstance(part, LineDraft)]

    def draft_of(self, ref: Ref) -> LineDraft | None:
        """The line of this very utterance that is pointed at."""
        drafts = self.drafts()
        if ref.item is None and not ref.candidates:
            return drafts[-1] if drafts else None
        wanted = {ref.item} if ref.item else set(ref.candidates)
        return next((draft for draft in reversed(drafts) if wanted & set(draft.items)), None)

    def drop(self, draft: LineDraft) -> None:
        self.out.remove(draft)
        if self.line is draft:
            self.line = None

    def modify(self, ref: Ref, wishes: tuple[Wish, ...], quantity: int | None = None) -> None:
        """Add the wish; wishes about the same thing become one."""
        last = self.out[-1] if self.out else None
        if isinstance(last, Modify) and last.ref == ref and last.quantity == quantity:
            self.out[-1] = Modify(ref, (*last.wishes, *wishes), quantity)
        elif wishes:
            self.out.append(Modify(ref, wishes, quantity))

    def name(self, segment: Segment) -> None:
        if not is_item(segment):
            self.option(segment)
        elif not take_as_part(self, segment):
            self._take_as_item(segment)

    # -- items

    def _take_as_item(self, segment: Segment) -> None:
        quantity, counted = self._quantity_of(segment)
        former = self.line
        line = LineDraft(self.menu, segment.items, segment.text, quantity, counted, self.definite)
        narrowed = self._narrowed(line)
        if narrowed is None and not segment.strong and not segment.head and not self._asked_for():
            self.forget_words()  # "it's for my family" is no family meal
            return
        self.put_before(narrowed or line, former)
        if former is not None and narrowed is None and self.correcting and not self.joined:
            self._correct(former, line)
        else:
            line = narrowed or line
            self.out.append(line)
        self.line, self.placed, self.everyone, self.correcting = line, [], [], False
        if self.instead_of is not None:
            self.out[-1] = Replace(self.instead_of, line.finish())
            self.instead_of, self.line = None, None
        self.forget_words()

    def _quantity_of(self, segment: Segment) -> tuple[int | None, bool]:
        """(how many, whether it was said). "Eight nuggets" is one portion where a portion is eight."""
        number = self.number
        pack = self.lexicon.pack_size.get(segment.items[0]) if len(segment.items) == 1 else None
        if number is None or number.after:
            unsaid = segment.plural and not pack and not self.definite
            return (None if unsaid else 1), False
        names_pack = self.lexicon.begins_with_number(segment.words)
        if pack and not names_pack and number.number >= pack and number.number % pack == 0:
            return number.number // pack, True
        return number.number, True

    def _asked_for(self) -> bool:
        return self.number is not None or bool(self.before) or self.wanting or self.with_

    def put_before(self, line: LineDraft, former: LineDraft | None) -> None:
        """Options in front go to their item; two of one kind ("fries large small soda") are shared with the last."""
        for option in reversed(self.before):
            choice = line.fit(choices_of(option, bool(self.negative)))
            if choice is None:
                continue
            own_former = former.fit(choices_of(option)) if former is not None else None
            if line.chosen(choice) and former is not None and own_former is not None and not former.chosen(own_former):
                former.put(own_former)
            elif not line.chosen(choice):
                line.put(choice, option.times)
        line.options.reverse()

    def _correct(self, former: LineDraft, line: LineDraft) -> None:
        """ "two burgers, sorry, three burgers": the later words win, what they leave out stays."""
        if set(former.items) & set(line.items):
            line.quantity = line.quantity if line.counted else former.quantity
            line.options = line.options or former.options
            line.shares = former.shares if line.quantity == former.quantity else []
        elif not line.counted:
            line.quantity = former.quantity
        self.out[self.out.index(former)] = line

    def _narrowed(self, line: LineDraft) -> LineDraft | None:
        """ "two burgers, one chicken and one beef": the words behind pick from an ambiguous name."""
        former = next((draft for draft in reversed(self.drafts()) if len(draft.items) > 1), None)
        if former is None or len(line.items) < 2 or line.quantity is None:
            return None
        items = self.lexicon.among(former.items, line.heard)
        if len(items) != 1:
            return None
        former.quantity = (former.quantity or line.quantity) - line.quantity
        if former.quantity <= 0:
            self.out.remove(former)
        return LineDraft(self.menu, items, line.heard, line.quantity, True, options=line.options)

    # -- options

    def option(self, segment: Segment) -> None:
        if segment.bare is not None and self.negative is None:
            self._bare_alone(segment.bare)
            return
        if segment.words[0] in _NEGATIVE_STARTS or segment.words[0] in _POSITIVE_STARTS:
            self.negative = segment.words[0] in _NEGATIVE_STARTS
        choices = choices_of(segment, bool(self.negative))
        target = self.cursor.item_ahead()
        if target and LineDraft(self.menu, target, "").fit(choices) and not self._belongs_behind(segment, choices):
            self.before.append(segment)
            return
        implied = self.lexicon.implied_item(choices)
        if implied is None or not take_implied_part(self, implied, segment):
            if self.number is not None and not self.number.after:
                self._counted_option(segment, choices, implied)
            else:
                self._plain_option(segment, choices, implied)
        self.number, self.number_with, self.before, self.another = None, False, [], False

    def _bare_alone(self, bare: BareNoun) -> None:
        """ "with onions" is how a burger comes, unless it was to come without."""
        if self.line is None and self.with_ and bare.without:
            self.out.append(TakeOff(Ref(), (option_ids(tuple(bare.without)),)))

    def _belongs_behind(self, segment: Segment, choices: tuple[Choice, ...]) -> bool:
        if self.line is None or self.number is not None or self.before or self.line.fit(choices) is None:
            return False
        return self.with_ or segment.words[0] in _BEHIND_STARTS

    def _counted_option(self, segment: Segment, choices: tuple[Choice, ...], implied: str | None) -> None:
        """ "one with no onions", "two hot", "a fanta", "two garlic dips"."""
        assert self.number is not None
        number, article = self.number.number, self.number.article and not self.another
        line = self._line_for(choices)
        if line is None:
            if implied is not None:
                self._start_implied(implied, segment)
            elif self.line is not None and segment.text in _USUAL_WORDS:
                self.usual()
            else:
                self._modify_that(choices, None if article and not self.number_with else number)
            return
        choice = line.fit(choices)
        assert choice is not None
        fresh = not line.chosen(choice) and not self.another
        if self.with_ and not self.number_with:
            self._put(line, choice, number)
        elif article and implied is None and not self.number_with and not line.taken(choice):
            line.share = None if self.joined and not line.with_open else line.share
            self._put(line, choice)
        elif (
            fresh
            and (line.quantity or 2) >= 2
            and line.units_left >= number
            and not (article and implied and self.joined and not line.shares)
        ):
            line.open_share(number)
            self._put_all(line, segment)
        elif line.group(choice).each_max > 1 and not self.number_with and not self.another:
            self._put(line, choice, number)
        else:
            again = LineDraft(self.menu, line.items, line.heard, number, True)
            self.out.append(again)
            self.line = again
            self._put_all(again, segment)

    def _plain_option(self, segment: Segment, choices: tuple[Choice, ...], implied: str | None) -> None:
        line = self.line if self.line is not None and self.line.fit(choices) else None
        if line is None and implied is not None:
            following = self.cursor.now
            if is_item(following) and not following.strong:
                self.cursor.take()
                self.out.append(NotOnMenu(f"{segment.text} {following.text}"))  # "orange juice" where only mango is
            else:
                self._start_implied(implied, segment)
            return
        line = line or self._line_for(choices)
        if line is None:
            if self.line is None or not self.line.put_inside(choices):  # "a combo with the fries large"
                self._modify_that(choices, None)
            return
        for draft in self.everyone or [line]:
            choice = draft.fit(choices)
            if choice is not None:
                self._put(draft, choice, segment.times)

    def _modify_that(self, choices: tuple[Choice, ...], quantity: int | None) -> None:
        last = self.out[-1] if self.out else None
        if isinstance(last, More):
            self.out[-1] = replace(last, wishes=(*last.wishes, option_ids(choices)))
            return
        if self.another and quantity is not None:
            self.out.append(More(Ref(), quantity, (option_ids(choices),)))
            return
        self.modify(Ref(), (option_ids(choices),), quantity)
        self.placed.append(Placed(None, [], choices, quantity))

    def _put(self, line: LineDraft, choice: Choice, times: int = 1) -> None:
        line.put(choice, times)
        self.placed.append(Placed(line, line.receiver, (choice,), None))

    def _put_all(self, line: LineDraft, segment: Segment) -> None:
        """The option and those in front of it ("one large fanta")."""
        for option in (*self.before, segment):
            choice = line.fit(choices_of(option, bool(self.negative)))
            if choice is not None:
                self._put(line, choice, option.times)

    def _line_for(self, choices: tuple[Choice, ...]) -> LineDraft | None:
        """The nearest line of this utterance that can have it."""
        if self.line is not None and self.line.fit(choices):
            return self.line
        return next((draft for draft in reversed(self.drafts()) if draft.fit(choices)), None)

    def _start_implied(self, item: str, segment: Segment) -> None:
        """ "a large coke": the drink is named by its kind only."""
        before, self.before = self.before, []
        self._take_as_item(Segment(NAME, segment.words, (item,), segment.choices))
        if self.line is not None:
            self.before = before
            self._put_all(self.line, segment)
            self.placed = []

    def usual(self) -> None:
        """ "... and one as it is": those units get nothing."""
        line, number = self.line, self.number
        if line is not None and number is not None and not number.article:
            if (line.quantity or 2) > 1 and line.units_left >= number.number:
                line.open_share(number.number)
            else:
                self.line = LineDraft(self.menu, line.items, line.heard, number.number, True)
                self.out.append(self.line)
        self.number = None


def names_something(segment: Segment) -> bool:
    return is_item(segment) or is_option(segment)
