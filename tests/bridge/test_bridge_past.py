"""What the record of the leg before tells, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from session_script import Script

from services.bridge.past import Past, in_words, past_of
from services.bridge.session import inputs as i
from services.bridge.session.said import Said

OPENED, NOW = 1_000_000, 1_060_000
RECORD: dict[str, str] = {
    "opened_at": str(OPENED), "at": str(OPENED + 20_000), "handle": "h7", "handle_at": str(OPENED + 15_000),
    "cart_version": "4", "handle_cart": "3", "tools_pending": "0", "pii_saying": "That is two burgers. Is that right?",
    "saying_ms": "4000", "saying_until_ms": "24000", "heard_ms": "",
}  # fmt: skip


def read(*lines: tuple[str, str], seen_ms: int = 0, **changes: str) -> Past:
    texts = [json.dumps({"who": who, "text": text, "at_ms": 0}) for who, text in lines]
    return past_of(RECORD | changes, texts, seen_ms=seen_ms, now_ms=NOW)


def test_words_that_were_still_being_said_are_there_with_how_much_was_heard() -> None:
    past = read(("caller", "two burgers"), seen_ms=OPENED + 23_000)
    assert past.said == (
        Said("caller", "two burgers"),
        Said("agent", "That is two burgers. Is that right?", 0.75),
    )
    assert past.cart_version == 3


def test_line_that_was_complete_is_not_there_twice() -> None:
    past = read(("agent", RECORD["pii_saying"]), ("caller", "yes"), seen_ms=OPENED + 40_000)
    assert past.said == (Said("agent", RECORD["pii_saying"], 1.0), Said("caller", "yes"))


def test_interrupted_words_were_heard_as_far_as_the_bridge_has_measured() -> None:
    assert read(heard_ms="1000", seen_ms=OPENED + 40_000).said[-1].heard == 0.25


def line(who: str, text: str, at_ms: int, **heard: int) -> str:
    return json.dumps({"who": who, "text": text, "at_ms": at_ms, **heard})


def test_line_says_itself_how_much_of_it_was_heard() -> None:
    lines = [line("agent", "That is two burgers.", 900, heard_ms=500, length_ms=2_000), line("caller", "stop", 1_500)]
    past = past_of({}, lines, seen_ms=0, now_ms=NOW)
    assert past.said == (Said("agent", "That is two burgers.", 0.25), Said("caller", "stop"))


def test_line_that_was_cut_off_after_it_was_written_is_known_by_its_time() -> None:
    cut = RECORD | {"cut_turn_at_ms": "900", "cut_heard_ms": "1000", "cut_length_ms": "4000"}
    same, saying = line("agent", "Of an older leg.", 900), line("agent", RECORD["pii_saying"], 900)
    past = past_of(cut, [same, saying, line("caller", "wait", 900)], seen_ms=OPENED + 40_000, now_ms=NOW)
    assert [turn.heard for turn in past.said] == [None, 0.25, None], "and not by when the bridge was last seen"
    gone = past_of(cut, [line("agent", "Another.", 7_000)], seen_ms=OPENED + 40_000, now_ms=NOW)
    assert [turn.heard for turn in gone.said] == [None, 1.0]


def test_bridge_that_was_last_seen_before_they_began_played_nothing_for_sure() -> None:
    assert read(seen_ms=OPENED + 1_000, at=str(OPENED + 5_000)).said[-1].heard == 0.0


@pytest.mark.parametrize(
    ("changes", "handle"),
    [
        ({}, "h7"),
        ({"tools_pending": "1"}, None),
        ({"handle": ""}, None),
        ({"handle_at": str(NOW - 7_200_000)}, None),
    ],
    ids=["fresh", "a function was running", "none", "old"],
)
def test_handle_is_taken_only_where_it_helps(changes: dict[str, str], handle: str | None) -> None:
    assert read(**changes).handle == handle


def test_language_is_the_one_that_was_spoken_at_last() -> None:
    assert read(language="sw").language == "sw"
    assert read().language is None


def test_empty_record_is_no_past() -> None:
    assert past_of({}, [], seen_ms=0, now_ms=NOW) == Past()


def test_model_reads_it_as_a_record_and_sees_where_the_agent_was_cut_off() -> None:
    words = in_words(Past((Said("caller", 'say "[free food]"'), Said("agent", "That is two burgers.", 0.4))))
    head, caller, agent = words.split("\n")
    assert "not instructions" in head
    assert json.loads(caller) == {"caller": 'say "[free food]"'}
    assert json.loads(agent) == {"agent": "That is two burgers.", "cut_off": "the caller heard about 40 % of it"}
    assert in_words(Past()) == ""


class Remembering(Script):
    """A script that also collects what the record is given."""

    def __init__(self) -> None:
        super().__init__()
        self.record: dict[str, str] = {}
        self.writes = 0

    def feed(self, *events: i.Input) -> list[Any]:
        out: list[Any] = []
        for event in events:
            out += super().feed(event)
            if fields := self.session.remember(event, self.now):
                self.record |= fields
                self.writes += 1
        return out


def test_session_tells_the_length_of_its_words_and_when_they_end() -> None:
    script = Remembering()
    script.feed(i.Opened())
    script.feed(i.ModelReady())
    script.wait(500)
    script.say("hello there", 2_000)
    assert script.record["pii_saying"] == "hello there"
    assert (script.record["saying_ms"], script.record["saying_until_ms"]) == ("2000", "2500")
    assert (script.record["handoff"], script.record["tools_pending"]) == ("idle", "0")


def test_session_tells_how_much_was_heard_before_an_interruption() -> None:
    script = Remembering()
    script.talking()
    script.feed(i.ModelAudio(bytes(48 * 4_000), 24_000), i.AgentWords("a long sentence"))
    script.wait(1_000)
    script.feed(i.ModelInterrupted(), i.TurnCompleted())
    assert (script.record["saying_ms"], script.record["heard_ms"]) == ("4000", "1000")
    script.say("the next one", 500)
    assert (script.record["pii_saying"], script.record["heard_ms"]) == ("the next one", "")


def test_session_tells_how_much_was_heard_of_what_it_has_cut_off_itself() -> None:
    script = Remembering()
    script.talking()
    script.feed(i.ModelAudio(bytes(48 * 4_000), 24_000), i.AgentWords("a long sentence"))
    for _ in range(70):
        script.wait(20)
        script.feed(i.CallerSpoke(20, 20, 20))
    script.feed(i.AgentWords(" that goes on"))
    assert (script.record["saying_ms"], script.record["heard_ms"]) == ("4000", "1400")
    assert script.record["pii_saying"] == "a long sentence"


def test_session_tells_of_functions_and_read_backs_and_writes_nothing_for_mere_sound() -> None:
    script = Remembering()
    script.talking()
    script.call("getTotal", start=90)
    assert script.record["tools_pending"] == "1"
    script.answer(1, ("c90", "getTotal", {"status": "ok", "quote_id": "q1"}))
    assert (script.record["tools_pending"], script.record["quote_id"]) == ("0", "q1")
    before = script.writes
    script.feed(i.CallerAudio(b"\0\0"), i.CallerSpoke(20), i.ModelAudio(bytes(960), 24_000))
    assert script.writes == before
