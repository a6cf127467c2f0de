from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agiza.domain.hours import HoursError, parse_hours, spoken_minute, spoken_opening

NAIROBI = ZoneInfo("Africa/Nairobi")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """2026-11-16 is a Monday; day 0 is that Monday."""
    return datetime(2026, 11, 16 + day, hour, minute, tzinfo=NAIROBI)


class TestOpen:
    def test_every_day_from_one_text(self) -> None:
        hours = parse_hours("07:00-23:00", "Africa/Nairobi")
        assert not hours.is_open(at(0, 6, 59))
        assert hours.is_open(at(0, 7))
        assert hours.is_open(at(6, 22, 59))
        assert not hours.is_open(at(6, 23))

    def test_is_judged_in_the_branch_s_zone(self) -> None:
        hours = parse_hours("07:00-23:00", "Africa/Nairobi")
        assert hours.is_open(datetime(2026, 11, 16, 4, 0, tzinfo=ZoneInfo("UTC")))
        assert not hours.is_open(datetime(2026, 11, 16, 3, 59, tzinfo=ZoneInfo("UTC")))

    def test_past_midnight(self) -> None:
        hours = parse_hours({"fri-sat": "18:00-02:00"}, "Africa/Nairobi")
        assert hours.is_open(at(4, 23))
        assert hours.is_open(at(5, 1, 59))
        assert not hours.is_open(at(5, 2))
        assert hours.is_open(datetime(2026, 11, 22, 1, tzinfo=NAIROBI))  # the small hours of Sunday
        assert not hours.is_open(at(4, 1))

    def test_several_windows_ranges_and_a_closed_day(self) -> None:
        hours = parse_hours({"sat-mon": "11:00-14:30, 17:00-22:00", "tue": "closed", "wed-fri": "00:00-24:00"}, "UTC")
        sunday = datetime(2026, 11, 22, tzinfo=ZoneInfo("UTC"))
        assert not hours.is_open(sunday.replace(hour=15))
        assert hours.is_open(sunday.replace(hour=17))
        assert not hours.is_open(datetime(2026, 11, 17, 12, tzinfo=ZoneInfo("UTC")))
        assert hours.is_open(datetime(2026, 11, 18, 23, 59, tzinfo=ZoneInfo("UTC")))

    def test_a_time_without_zone_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="aware"):
            parse_hours("07:00-23:00", "UTC").is_open(datetime(2026, 11, 16, 12))  # noqa: DTZ001


class TestWords:
    def test_next_opening(self) -> None:
        hours = parse_hours({"mon-fri": "07:00-23:00"}, "Africa/Nairobi")
        assert hours.next_opening(at(0, 5)) == at(0, 7)
        assert hours.next_opening(at(0, 7)) == at(1, 7)
        assert hours.next_opening(at(4, 23, 30)) == datetime(2026, 11, 23, 7, tzinfo=NAIROBI)

    def test_opening_in_words(self) -> None:
        assert spoken_opening(at(0, 7), at(0, 5)) == "today at 7 am"
        assert spoken_opening(at(1, 7), at(0, 23)) == "tomorrow at 7 am"
        assert spoken_opening(at(4, 17, 30), at(0, 23)) == "on Friday at 5:30 pm"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("07:00-23:00", "Monday to Sunday from 7 am to 11 pm"),
            (
                {"mon-fri": "07:00-23:00", "sat": "09:30-00:00"},
                "Monday to Friday from 7 am to 11 pm, and Saturday from 9:30 am to midnight",
            ),
            ({"wed": "11:00-14:00,17:00-22:00"}, "Wednesday from 11 am to 2 pm and from 5 pm to 10 pm"),
        ],
    )
    def test_hours_in_words(self, text: str | dict[str, str], words: str) -> None:
        assert parse_hours(text, "UTC").spoken() == words

    def test_minutes_in_words(self) -> None:
        assert [spoken_minute(minute) for minute in (0, 720, 725, 24 * 60)] == [
            "midnight",
            "noon",
            "12:05 pm",
            "midnight",
        ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7-23", "not a window"),
        ("07:00-25:00", "not a window"),
        ("07:00-24:30", "after 24:00"),
        ("07:00-07:00", "empty"),
        ("closed", "no opening time"),
        ({"monday": "07:00-23:00"}, "neither a day"),
        ({"mon-foo": "07:00-23:00"}, "neither a day"),
        ({"mon-fri": "07:00-23:00", "fri": "07:00-22:00"}, "fri is given twice"),
        ({"mon": "07:00-12:00,11:00-14:00"}, "overlap on mon"),
        ({"mon": "18:00-09:00", "tue": "08:00-12:00"}, "overlap on tue"),
        ({"sun": "18:00-09:00", "mon": "08:00-12:00"}, "overlap on mon"),
    ],
)
def test_mistakes_say_what_is_wrong(text: str | dict[str, str], reason: str) -> None:
    with pytest.raises(HoursError, match=reason):
        parse_hours(text, "UTC")
