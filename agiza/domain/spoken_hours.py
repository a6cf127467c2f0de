"""Hours in sentences: 'from 7 am to 11 am', in Swahili 'kuanzia saa moja asubuhi hadi saa tano asubuhi'.

In Swahili the hours are counted from six: seven in the morning is hour one of the morning.
"""

from datetime import datetime

from agiza.domain.hours import OpeningHours, spoken_opening
from agiza.domain.money_sw import number_in_swahili
from agiza.domain.said import Said, piece

_DAYS_SW = ("Jumatatu", "Jumanne", "Jumatano", "Alhamisi", "Ijumaa", "Jumamosi", "Jumapili")
_DAY_MINUTES = 24 * 60
# (until which hour, part of the day)
_PARTS_SW = ((4, "usiku"), (6, "alfajiri"), (12, "asubuhi"), (16, "mchana"), (19, "jioni"), (24, "usiku"))


def hours_words(hours: OpeningHours) -> Said:
    """Hours of a week; the days are left out where all are alike."""
    english = hours.spoken()
    if english.startswith("Monday to Sunday "):
        english = english.removeprefix("Monday to Sunday ")
    return piece(english, sw=lambda: _hours_sw(hours))


def opening_words(opening: datetime, now: datetime) -> Said:
    """'today at 7 am', 'kesho saa moja asubuhi'; `opening` is local, as next_opening gives it."""

    def swahili() -> str:
        days = (opening.date() - now.astimezone(opening.tzinfo).date()).days
        day = {0: "leo", 1: "kesho"}.get(days, f"siku ya {_DAYS_SW[opening.weekday()]}")
        return f"{day} {minute_sw(opening.hour * 60 + opening.minute)}"

    return piece(spoken_opening(opening, now), sw=swahili)


def minute_sw(minute: int) -> str:
    """'saa moja asubuhi' for a minute of the day."""
    hour, rest = divmod(minute % _DAY_MINUTES, 60)
    part = next(name for until, name in _PARTS_SW if hour < until)
    if rest == 45:
        return f"saa {_hour_sw(hour + 1)} kasorobo {part}"
    after = {0: "", 15: " na robo", 30: " na nusu"}.get(rest, f" na dakika {number_in_swahili(rest)}")
    return f"saa {_hour_sw(hour)}{after} {part}"


def _hour_sw(hour: int) -> str:
    return number_in_swahili((hour + 5) % 12 + 1)


def _hours_sw(hours: OpeningHours) -> str:
    by_day = [
        " na ".join(
            f"kuanzia {minute_sw(w.opens_minute)} hadi {minute_sw(w.closes_minute)}"
            for w in hours.windows
            if w.day == day
        )
        for day in range(7)
    ]
    if len(set(by_day)) == 1:
        return by_day[0]
    spans: list[tuple[int, int, str]] = []
    for day, words in enumerate(by_day):
        if spans and spans[-1][2] == words and spans[-1][1] == day - 1:
            spans[-1] = (spans[-1][0], day, words)
        elif words:
            spans.append((day, day, words))
    return ", na ".join(
        f"{_DAYS_SW[first] if first == last else f'{_DAYS_SW[first]} hadi {_DAYS_SW[last]}'} {words}"
        for first, last, words in spans
    )
