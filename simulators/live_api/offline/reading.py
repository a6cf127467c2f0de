"""Reads segments as what the caller wants.

One walk from left to right. Names and options go to `lines.py`, which attaches them; verbs of removing and changing
read their own clause (`clauses.py`), and so do questions (`asking.py`); the small words and the moves of the
conversation are here.
"""

from collections.abc import Callable, Sequence

from simulators.live_api.offline.asking import read_ask, subject
from simulators.live_api.offline.clauses import read_change, read_make, read_remove
from simulators.live_api.offline.cursor import Cursor, choices_of, is_item, is_option, is_word_of_content, option_ids
from simulators.live_api.offline.drafts import LineDraft
from simulators.live_api.offline.intents import (
    Act,
    ActKind,
    Intent,
    More,
    NotOnMenu,
    Number,
    Person,
    PersonReason,
    Ref,
    Remove,
    Replace,
    TakeOff,
)
from simulators.live_api.offline.lexicon import Lexicon
from simulators.live_api.offline.lines import Lines, names_something
from simulators.live_api.offline.placing import move_placed
from simulators.live_api.offline.segments import BARE, NAME, NUMBER, UNKNOWN, Segment

_CLAUSES = {"remove": read_remove, "change": read_change, "make": read_make}
_CORRECTS_US = frozenset(("said", "meant", "mean", "mistake", "correction", "scratch"))
_CORRECTS = frozenset((NUMBER, "correct", "make", "add", "change"))


class Reader:
    """Reads one utterance. `ordered` are the items in the cart, which tell "no fries" from "no, fries"."""

    def __init__(self, segments: Sequence[Segment], lexicon: Lexicon, ordered: frozenset[str]) -> None:
        self._cursor = Cursor(segments, lexicon)
        self._lexicon = lexicon
        self._lines = Lines(self._cursor)
        self._ordered = ordered
        self._handlers: dict[str, Callable[[Segment], None]] = {
            NAME: self._lines.name,
            BARE: self._lines.option,
            NUMBER: self._on_number,
            UNKNOWN: self._on_unknown,
            "and": self._on_and,
            "with": self._on_with,
            "be": self._on_with,
            "the": self._on_the,
            "prep": self._on_prep,
            "all": self._on_all,
            "rest": self._on_rest,
            "nth": self._on_nth,
            "same": self._on_same,
            "usual": lambda _: self._lines.usual(),
            "add": self._on_add,
            "correct": self._on_correct,
            "neg": self._on_neg,
            "instead_of": self._on_instead_of,
            "instead": self._on_instead,
        }

    def read(self) -> tuple[Intent, ...]:
        while self._cursor.now.kind != "end":
            segment = self._cursor.take()
            group, _, name = segment.kind.partition(":")
            if clause := _CLAUSES.get(segment.kind):
                self._end_clause()
                clause(self._cursor, self._lines, self._ordered)
            elif group == "act":
                self._on_act(_act_kind(name))
            elif group == "ask":
                self._end_clause()
                self._lines.out.append(read_ask(self._cursor, subject(name)))
            elif group == "person":
                self._end_clause()
                self._lines.out.append(Person(_reason(name)))
            elif handler := self._handlers.get(segment.kind):
                handler(segment)
        self._end_clause()
        return tuple(part.finish() if isinstance(part, LineDraft) else part for part in self._lines.out)

    # -- small words

    def _on_number(self, segment: Segment) -> None:
        lines = self._lines
        if segment.after and lines.line is not None and not lines.line.counted:
            lines.line.quantity, lines.line.counted = segment.number, True
            return
        if lines.number is not None and not lines.number.article and self._only_acts():
            lines.out.append(Number(lines.number.number))  # "three please, and a tea": an answer, then a wish
        lines.number, lines.number_with, lines.another = segment, False, segment.text == "another"
        lines.before, lines.everyone = [], []

    def _on_and(self, _: Segment) -> None:
        self._lines.joined, self._lines.with_, self._lines.definite = True, False, False

    def _on_with(self, segment: Segment) -> None:
        lines = self._lines
        if lines.number is not None:
            lines.number_with = True
            return
        lines.with_ = True
        if lines.line is not None and segment.kind == "with":
            lines.line.with_open = True

    def _on_the(self, _: Segment) -> None:
        self._lines.definite = True

    def _on_all(self, _: Segment) -> None:
        """ "both with no onions": every unit of the line, or every line when they are single."""
        lines = self._lines
        drafts = lines.drafts()
        if lines.line is not None:
            lines.line.share = None
        lines.everyone = drafts if len(drafts) > 1 and all(draft.quantity == 1 for draft in drafts) else []
        lines.number = None
        lines.definite = True

    def _on_rest(self, _: Segment) -> None:
        line = self._lines.line
        left = line.units_left if line is not None and line.quantity is not None else 0
        self._lines.number = Segment(NUMBER, ("rest",), number=left) if left > 0 else None
        self._lines.number_with = True

    def _on_nth(self, _: Segment) -> None:
        self._lines.number, self._lines.number_with = Segment(NUMBER, ("one",), number=1), True

    def _on_same(self, _: Segment) -> None:
        lines, following = self._lines, self._cursor.now
        if names_something(following) or following.kind in ("with", "container", "prep"):
            lines.number, lines.another = Segment(NUMBER, ("another",), number=1), True
        elif lines.line is not None and lines.line.quantity is not None:
            lines.line.quantity += 1
        else:
            lines.out.append(More(Ref()))

    def _on_add(self, _: Segment) -> None:
        lines = self._lines
        lines.correcting = lines.correcting and lines.line is not None and not lines.joined
        lines.forget_words()
        lines.wanting = True

    def _on_correct(self, segment: Segment) -> None:
        self._lines.correcting, self._lines.joined = True, False
        if not self._lines.out and _CORRECTS_US & set(segment.words):
            self._lines.out.append(Act("wrong"))  # "no, I said coleslaw": what was just confirmed is not it

    def _on_neg(self, _: Segment) -> None:
        """ "without bacon": nothing to do for a line that is being said, otherwise the option goes."""
        following = self._cursor.now
        if is_option(following):
            self._cursor.take()
            if self._lines.line is None:
                self._lines.out.append(TakeOff(Ref(), (option_ids(choices_of(following, negative=True)),)))
        elif is_item(following) and self._lines.line is None:
            self._no_item(self._cursor.take())

    def _no_item(self, segment: Segment) -> None:
        ref = Ref(segment.items[0]) if len(segment.items) == 1 else Ref(candidates=segment.items)
        draft = self._lines.draft_of(ref)
        if draft is not None:
            self._lines.drop(draft)
        else:
            self._lines.out.append(Remove(ref))

    def _on_prep(self, segment: Segment) -> None:
        if self._lines.placed and segment.text in ("on", "in", "for", "to", "from"):
            move_placed(self._lines)

    def _on_instead_of(self, _: Segment) -> None:
        """ "water instead of the soda", and "instead of the soda, water"."""
        lines, line = self._lines, self._lines.line
        ref = self._cursor.reference()[0]
        named = ref.item is not None or bool(ref.candidates)
        if line is None:
            lines.instead_of = ref if named else None
            return
        part = line.fit(self._lexicon.parts((ref.item,))) if ref.item else None
        if not named or (part is not None and line.taken(part)):
            return  # "a combo with coleslaw instead of fries": the combo has it already
        former = lines.draft_of(ref)
        owner = self._combo_before(line, ref)
        if owner is not None:
            lines.out.append(NotOnMenu(f"{line.heard} in the {owner.heard}"))
            lines.drop(line)
            lines.line = owner
        elif former is not None and former is not line:
            lines.drop(former)
        else:
            self._replace(line, ref)

    def _combo_before(self, line: LineDraft, ref: Ref) -> LineDraft | None:
        """ "the chicken combo with wings instead of fries": the combo whose fries cannot be wings."""
        drafts = self._lines.drafts()
        former = drafts[drafts.index(line) - 1] if line in drafts[1:] else None
        if former is None or ref.item is None or ref.item in former.items or not former.with_open:
            return None
        return former if former.fit(self._lexicon.parts((ref.item,))) else None

    def _on_instead(self, _: Segment) -> None:
        line, drafts = self._lines.line, self._lines.drafts()
        if line is None or any(isinstance(part, Remove | TakeOff) for part in self._lines.out):
            return  # what it stands in for is removed already
        if len(drafts) > 1:
            self._lines.drop(drafts[-2])
        else:
            self._replace(line, Ref())

    def _replace(self, line: LineDraft, ref: Ref) -> None:
        if not line.counted:
            line.quantity = None
        self._lines.out[self._lines.out.index(line)] = Replace(ref, line.finish())
        self._lines.line = None

    def _on_unknown(self, segment: Segment) -> None:
        """A thing that the caller wants and the menu does not know: said by name, never guessed."""
        lines = self._lines
        if not is_word_of_content(segment) or not (lines.number is not None or lines.wanting):
            return
        words = [segment.text]
        while self._cursor.now.kind == UNKNOWN:
            words.append(self._cursor.take().text)
        following = self._cursor.now
        if names_something(following):
            if not is_item(following) or following.strong:
                return  # "a really tasty chicken burger"
            self._cursor.take()
            words.append(following.text)
        lines.out.append(NotOnMenu(" ".join(words)))
        lines.forget_words()

    # -- moves of the conversation

    def _on_act(self, kind: ActKind) -> None:
        if kind == "no" and self._is_correction():
            return
        self._end_clause()
        self._lines.out.append(Act(kind))

    def _is_correction(self) -> bool:
        """ "no" in front of what is meant instead is no answer."""
        lines, following = self._lines, self._cursor.now
        if is_item(following) and set(following.items) & self._ordered:
            self._no_item(self._cursor.take())
            return True
        if is_option(following) and lines.line is None:
            choices = choices_of(following)
            if choices and not any(lines.menu.groups[group].single for group, _ in choices):
                self._cursor.take()
                lines.out.append(TakeOff(Ref(), (option_ids(choices),)))
                return True
        if lines.line is not None and (names_something(following) or following.kind in _CORRECTS):
            lines.correcting, lines.joined = True, False
            return True
        return False

    def _only_acts(self) -> bool:
        return all(isinstance(part, Act) for part in self._lines.out)

    def _end_clause(self) -> None:
        """What waits for a name that did not come is done with."""
        lines, number = self._lines, self._lines.number
        if number is not None and not number.article:
            if lines.line is not None and lines.correcting:
                lines.line.quantity = number.number
            elif lines.line is None and self._only_acts():
                lines.out.append(Number(number.number))
        lines.forget_words()
        lines.placed, lines.everyone, lines.correcting = [], [], False


# The phrase table names exactly the values of these literals; a test holds it to that.
def _act_kind(name: str) -> ActKind:
    return name  # type: ignore[return-value]


def _reason(name: str) -> PersonReason:
    return name  # type: ignore[return-value]
