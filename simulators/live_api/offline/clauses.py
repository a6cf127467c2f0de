"""Clauses that change what is there: "remove ...", "change ... to ...", "make that ..."."""

from dataclasses import dataclass, replace

from simulators.live_api.offline.cursor import Cursor, choices_of, is_item, is_option, option_ids
from simulators.live_api.offline.drafts import LineDraft
from simulators.live_api.offline.intents import Act, Ref, Remove, Replace, SetQuantity, TakeOff
from simulators.live_api.offline.lexicon import Choice
from simulators.live_api.offline.lines import Lines
from simulators.live_api.offline.segments import NAME, NUMBER, Segment

Ordered = frozenset[str]
_SMALL_WORDS = frozenset(("with", "be", "filler", "of", "the", "container", "more", "prep", NUMBER))


def read_remove(cursor: Cursor, lines: Lines, ordered: Ordered) -> None:
    """ "[remove] the soda and one of the fries", "[take off] the bacon (from the burger)"."""
    while True:
        ref, number, named = cursor.reference()
        pointed = ref.item is not None or bool(ref.candidates)
        if not pointed and ref.wishes:
            if cursor.now.kind == "prep":
                cursor.take()
                owner, _, _ = cursor.reference()
                lines.out.append(TakeOff(replace(owner, wishes=()), ref.wishes))
            else:
                lines.out.append(TakeOff(Ref(), ref.wishes))
        elif pointed or named or number is not None:
            _remove(lines, _with_options(cursor, ref), number, cursor.said_all)
        else:
            lines.out.append(Act("wrong"))
            return
        following = cursor.ahead(1)
        listed = is_item(following) or is_option(following) or following.kind in ("the", NUMBER, "all")
        if cursor.now.kind != "and" or not listed:
            return
        cursor.take()


def _with_options(cursor: Cursor, ref: Ref) -> Ref:
    """ "the burger with no onions": which of the burgers."""
    if cursor.now.kind != "with" and not is_option(cursor.now):
        return ref
    cursor.skip("with")
    wishes = list(ref.wishes)
    while is_option(cursor.now):
        wishes.append(option_ids(choices_of(cursor.take())))
    return replace(ref, wishes=tuple(wishes))


def _remove(lines: Lines, ref: Ref, number: int | None, every: bool) -> None:
    draft = lines.draft_of(ref)
    if draft is None:
        lines.out.append(Remove(ref, number, every))
    elif number is not None and draft.quantity is not None and number < draft.quantity:
        draft.quantity -= number
    else:
        lines.drop(draft)


def read_change(cursor: Cursor, lines: Lines, ordered: Ordered) -> None:
    """ "[change] the soda to a large one", "[swap] the fries for masala chips", "[change] that to three"."""
    while True:
        ref, number, named = cursor.reference()
        if cursor.now.kind not in ("prep", "with", "be", "and") and not named and ref == Ref():
            lines.out.append(Act("wrong"))
            return
        if cursor.now.text in ("in", "on", "from") and named:
            cursor.take()
            cursor.reference()  # "the soda in the combo": whose soda it is shows in the cart
        cursor.skip("prep", "with", "be")
        _read_new(cursor, lines, ordered, ref, number)
        if cursor.now.kind != "and" or not _another_change(cursor):
            return
        cursor.take()


def _another_change(cursor: Cursor) -> bool:
    """ "... and the fries to large": an item and a "to" follow."""
    start = cursor.at
    cursor.take()
    ref, _, _ = cursor.reference()
    found = ref.item is not None and cursor.now.kind == "prep"
    cursor.at = start
    return found


def read_make(cursor: Cursor, lines: Lines, ordered: Ordered) -> None:
    """ "[make] that two", "[make] it a large", "[make] the sodas large", "[make] one of them hot"."""
    start = cursor.at
    if cursor.now.kind in ("that", "filler"):
        cursor.skip("that", "filler")
        _read_new(cursor, lines, ordered, Ref(), None)
        return
    if cursor.now.kind == "all" and not is_item(cursor.ahead(1)) and cursor.ahead(1).kind != "the":
        cursor.take()
        _read_new(cursor, lines, ordered, Ref(), None)
        return
    ref, number, _ = cursor.reference()
    if ref.item is None and not ref.candidates:
        cursor.at = start
        counted = cursor.now if cursor.now.kind == NUMBER and not cursor.now.article else None
        if counted is not None and (cursor.ahead(1).kind in ("of_them", "with") or is_option(cursor.ahead(1))):
            cursor.take()
            cursor.skip("of_them", "with")
            _read_new(cursor, lines, ordered, Ref(), counted.number)
        else:
            _read_new(cursor, lines, ordered, Ref(), None)
        return
    cursor.skip("prep", "with", "be")
    _read_new(cursor, lines, ordered, ref, number)


@dataclass(frozen=True, slots=True)
class _New:
    """What something shall be from now on: another item, other options, so many."""

    item: Segment | None
    choices: tuple[tuple[Choice, ...], ...]
    count: int | None


def _read_new(cursor: Cursor, lines: Lines, ordered: Ordered, ref: Ref, units: int | None) -> None:
    """Reads what it shall be and changes `ref`, or `units` of it."""
    number: Segment | None = None
    choices: list[tuple[Choice, ...]] = []
    item: Segment | None = None
    negative = False
    while True:
        segment = cursor.now
        if segment.kind == NUMBER and not (choices and item is None and segment.text == "one"):
            if number is not None and (choices or item):
                break
            number = segment
        elif is_option(segment):
            negative = (segment.bare is None and segment.words[0] in ("no", "without")) or negative
            choices.append(choices_of(segment, negative))
        elif is_item(segment) and item is None:
            item = segment
        elif segment.kind == "and":
            following = cursor.ahead(1)
            if not is_option(following) or (item is None and cursor.ahead(2).kind == NAME):
                break
        elif segment.kind not in _SMALL_WORDS:
            break
        cursor.take()
    cursor.skip("instead")
    new = _New(item, tuple(choices), number.number if number is not None and not number.article else None)
    draft = lines.draft_of(ref) or _combo_with(lines, ref)
    if new == _New(None, (), None):
        lines.out.append(Act("wrong"))  # "change the fries", and not what into
    elif draft is not None:
        _change_draft(lines, draft, new, units, _part_of(lines, draft, ref))
    else:
        _change_ordered(lines, ordered, ref, new, units)


def _combo_with(lines: Lines, ref: Ref) -> LineDraft | None:
    """ "a combo, and change the fries to coleslaw": the fries are the combo's."""
    parts = lines.lexicon.parts((ref.item,)) if ref.item is not None else ()
    return next((draft for draft in reversed(lines.drafts()) if draft.fit(parts)), None)


def _part_of(lines: Lines, draft: LineDraft, ref: Ref) -> str | None:
    """The part of the line that is pointed at, where it is not the line itself."""
    if ref.item is None or ref.item in draft.items:
        return None
    part = draft.fit(lines.lexicon.parts((ref.item,)))
    return part[1] if part is not None else None


def _change_draft(lines: Lines, draft: LineDraft, new: _New, units: int | None, part_said: str | None) -> None:
    """The line was said in this same utterance: it simply becomes something else."""
    if new.item is not None and not set(new.item.items) & set(draft.items):
        part = draft.fit(lines.lexicon.parts(new.item.items))
        if part is not None:
            draft.put(part)
            part_said = part[1]
        else:
            draft.items, draft.heard = new.item.items, new.item.text
            draft.options, draft.shares, draft.share = [], [], None
    if new.count is not None:
        draft.quantity, draft.counted = new.count, True
    if units is not None and draft.quantity is not None and units < draft.quantity:
        draft.open_share(units)
    else:
        draft.share = None
    for choices in new.choices:
        choice = draft.fit(choices)
        if part_said is not None and draft.put_inside(choices, part_said):
            continue
        if choice is not None:
            draft.put(choice)


def _change_ordered(lines: Lines, ordered: Ordered, ref: Ref, new: _New, units: int | None) -> None:
    items = new.item.items if new.item is not None else ()
    named = next((name for name in items if name in ordered), None)
    if ref == Ref() and named is not None:
        ref = Ref(named)  # "make that two fries": the fries
    if new.item is None or ref.item in items:
        if new.count is not None:
            lines.out.append(SetQuantity(ref, new.count))
        if new.choices:
            lines.modify(ref, tuple(option_ids(choices) for choices in new.choices), units)
        return
    draft = LineDraft(lines.menu, items, new.item.text, new.count or units)
    for choices in new.choices:
        choice = draft.fit(choices)
        if choice is not None:
            draft.put(choice)
    lines.out.append(Replace(ref, draft.finish()))
