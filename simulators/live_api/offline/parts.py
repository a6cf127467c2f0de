"""Names that are no items of their own: parts of the combo in front of them, or options that are called like items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.live_api.offline.cursor import choices_of, option_ids
from simulators.live_api.offline.drafts import LineDraft
from simulators.live_api.offline.intents import NotOnMenu
from simulators.live_api.offline.segments import Segment

if TYPE_CHECKING:
    from simulators.live_api.offline.lines import Lines


def take_as_part(lines: Lines, segment: Segment) -> bool:
    """Whether the item's name is a part or an option of the line in front of it ("combo with water")."""
    line, number = lines.line, lines.number
    if line is not None and lines.with_ and not segment.strong and lines.lexicon.among(line.items, segment.text):
        lines.put_before(line, None)  # "the pizza deal with a large pizza": the pizza of the deal
        lines.forget_words()
        return True
    choice = line.fit((*lines.lexicon.parts(segment.items), *segment.choices)) if line is not None else None
    if line is None or choice is None or (lines.definite and not lines.with_ and not line.parts_open):
        return False
    for_units = number is not None and lines.number_with
    if not for_units and line.taken(choice) and not lines.correcting:
        return False
    few = number is None or number.article or number.number in (1, line.quantity)
    if not (for_units or (few and _listed(lines, line))):
        return False
    if for_units and number is not None:
        line.open_share(number.number)
    line.put(choice)
    line.parts_open = True
    _put_before(lines, line, choice[1], segment)
    lines.forget_words()
    return True


def _put_before(lines: Lines, line: LineDraft, part: str, segment: Segment) -> None:
    """What stands in front of the part's name is chosen within it ("large fries"), or said to be not to be had."""
    for option in lines.before:
        choices = choices_of(option)
        if not line.put_inside(choices, part) and line.fit(choices) is None:
            lines.out.append(NotOnMenu(f"{option.text} {segment.text} in the {line.heard}"))


def _listed(lines: Lines, line: LineDraft) -> bool:
    """Behind "with", going on with a list of parts, or right behind the combo without an "and"."""
    if lines.with_ or line.parts_open:
        return True
    return lines.number is None and (line.with_open or not lines.joined)


def take_implied_part(lines: Lines, item: str, segment: Segment) -> bool:
    """ "a combo with a large coke": the combo's soda, of this kind. What a combo cannot have is said."""
    line = lines.line
    choice = line.fit(lines.lexicon.parts((item,))) if line is not None else None
    if line is None or choice is None or not (lines.with_ or line.parts_open) or line.taken(choice):
        return False
    line.put(choice)
    line.parts_open = True
    usual = {option for group in lines.menu.groups_of(item) for option in group.usual}
    if not line.put_inside(segment.choices, choice[1]) and not usual & set(option_ids(segment.choices)):
        lines.out.append(NotOnMenu(f"{segment.text} in the {line.heard}"))
    _put_before(lines, line, choice[1], segment)
    return True
