"""What is served at certain hours only: refused at others, with the time when it is had again."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
from domain_scenario import NOON, Call, document, ids

from agiza.domain.menu import BranchFile, parse_branch
from agiza.domain.said import in_language
from agiza.domain.spoken_hours import hours_words, minute_sw, opening_words

MORNING = NOON - timedelta(hours=3)  # nine in Nairobi


def with_breakfast() -> BranchFile:
    doc = copy.deepcopy(document("westlands"))
    doc["day_parts"] = {"breakfast": {"hours": "07:00-11:00"}, "late": {"hours": {"fri-sat": "20:00-02:00"}}}
    desserts = doc["categories"][4]
    desserts["day_parts"] = ["breakfast"]
    desserts["items"][1]["day_parts"] = ["late"]  # the brownie
    doc["categories"][2]["items"][4]["day_parts"] = ["breakfast", "late"]  # coleslaw, a side of combos
    return parse_branch(doc)


def test_it_is_taken_at_its_hours_and_refused_at_others() -> None:
    call = Call(file=with_breakfast(), now=MORNING)
    call.add("mandazi")
    call.set(now=NOON)
    outcome = call.tool("addItem", name="mandazi")
    assert (outcome.status, outcome.code, outcome.events) == ("refused", "item_not_now", ())
    assert outcome.message == (
        "Sorry, the mandazi is served from 7 am to 11 am only. We have it again tomorrow at 7 am."
    )
    assert in_language(outcome.message, "sw") == (
        "Samahani, mandazi inapatikana kuanzia saa moja asubuhi hadi saa tano asubuhi tu. "
        "Itapatikana tena kesho saa moja asubuhi."
    )
    assert call.tool("changeQuantity", item="mandazi", quantity=2).code == "item_not_now"
    assert call.place().code == "item_not_now", "what was added in time is too late as well"
    assert call.tool("removeItem", item="mandazi").status == "ok"


@pytest.mark.parametrize(("hour", "served"), [(6, False), (7, True), (10, True), (11, False), (20, True), (23, True)])
def test_several_parts_of_the_day(hour: int, served: bool) -> None:
    now = datetime(2026, 11, 20, hour, 0, tzinfo=UTC) - timedelta(hours=3)  # a Friday
    call = Call(file=with_breakfast(), now=now)
    assert (call.tool("addItem", name="coleslaw").status == "ok") == served


def test_past_midnight() -> None:
    call = Call(file=with_breakfast(), now=datetime(2026, 11, 21, 22, 30, tzinfo=UTC))  # Sunday, half past one
    call.add("brownie")
    call.set(now=datetime(2026, 11, 21, 23, 0, tzinfo=UTC))
    outcome = call.tool("addItem", name="brownie")
    assert outcome.message == (
        "Sorry, the chocolate brownie is served Friday to Saturday from 8 pm to 2 am only. "
        "We have it again on Friday at 8 pm."
    )


def test_other_hours_on_other_days_are_not_all_read_out() -> None:
    doc = copy.deepcopy(document("westlands"))
    doc["day_parts"] = {"lunch": {"hours": {"mon-thu": "12:00-14:00", "sat": "11:00-15:00"}}}
    doc["categories"][4]["day_parts"] = ["lunch"]
    outcome = Call(file=parse_branch(doc)).tool("addItem", name="mandazi")  # on a Friday
    assert outcome.message == "Sorry, the mandazi is not served now. We have it again tomorrow at 11 am."
    assert outcome.detail["served"] == ("Monday to Thursday from noon to 2 pm, and Saturday from 11 am to 3 pm")


def test_a_part_of_a_combo() -> None:
    outcome = Call(file=with_breakfast()).tool("addItem", name="beef combo", modifiers=["coleslaw"])
    assert (outcome.status, outcome.code) == ("refused", "option_not_now")
    outcome = Call("westlands", sold_out=frozenset({"fries"})).tool("addItem", name="beef combo")
    assert ids(outcome) == ["masala-chips", "coleslaw"]
    outcome = Call(file=with_breakfast(), sold_out=frozenset({"fries"})).tool("addItem", name="beef combo")
    assert ids(outcome) == ["masala-chips"]


def test_the_menu_says_when() -> None:
    call = Call(file=with_breakfast())
    outcome = call.tool("searchMenu", query="mandazi")
    assert outcome.message == "We have mandazi, which is served from 7 am to 11 am."
    (match,) = outcome.detail["matches"]  # type: ignore[misc]
    assert (match["served_now"], match["served"]) == (False, "Monday to Sunday from 7 am to 11 am")


@pytest.mark.parametrize(
    ("minute", "words"),
    [
        (7 * 60, "saa moja asubuhi"),
        (12 * 60, "saa sita mchana"),
        (13 * 60 + 30, "saa saba na nusu mchana"),
        (18 * 60 + 15, "saa kumi na mbili na robo jioni"),
        (21 * 60 + 45, "saa nne kasorobo usiku"),
        (0, "saa sita usiku"),
        (5 * 60 + 10, "saa kumi na moja na dakika kumi alfajiri"),
    ],
)
def test_swahili_counts_from_six(minute: int, words: str) -> None:
    assert minute_sw(minute) == words


def test_days_in_swahili() -> None:
    served = with_breakfast().menu.items["brownie"].served  # type: ignore[index]
    assert served is not None
    said = in_language(hours_words(served), "sw")
    assert said == "Ijumaa hadi Jumamosi kuanzia saa mbili usiku hadi saa nane usiku"
    opening = served.next_opening(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    assert opening is not None
    words = opening_words(opening, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    assert in_language(words, "sw") == "siku ya Ijumaa saa mbili usiku"
