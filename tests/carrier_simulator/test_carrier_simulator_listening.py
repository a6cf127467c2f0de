"""The listening caller's mind: what it says next, given what the agent said."""

from __future__ import annotations

import pytest

from simulators.carrier.listening import NO, THATS_ALL, YES, Kind, Listener, Speak, StaySilent, Wait, kind_of
from simulators.carrier.words import is_affirmation, is_closer, was_said

ORDER = "two chicken burgers, one with no onions, a large fries, and a soda"
GREETING = "Thank you for calling Tamu Grill. I am an automated assistant. What would you like?"
READ_BACK = "Two chicken burgers, one large fries and one soda, that is 1,530 shillings. Is that right?"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (GREETING, Kind.OTHER),
        ("Thank you for calling Tamu Grill. Have a nice day, goodbye.", Kind.GOODBYE),
        ("Your order number is 17. Goodbye!", Kind.GOODBYE),
        ("Sorry, I did not catch that.", Kind.ASK_BACK),
        ("Sorry, I didn't catch that. What would you like to order?", Kind.ASK_BACK),
        ("Could you say that again, please?", Kind.ASK_BACK),
        ("Can you repeat your last item?", Kind.ASK_BACK),
        ("Let me repeat that: two burgers. Is that right?", Kind.CONFIRM),
        ("I'll say that again: two burgers. Anything else?", Kind.ANYTHING_ELSE),
        ("Sorry, did you say two chicken burgers?", Kind.CHECK),
        ("I didn't catch that. Did you say a soda?", Kind.CHECK),
        ("Was that a large fries?", Kind.CHECK),
        ("You said two sodas, is that right?", Kind.CHECK),
        ("Was that everything?", Kind.EVERYTHING),
        (READ_BACK, Kind.CONFIRM),
        ("That is one burger. Shall I place the order?", Kind.CONFIRM),
        ("Please say yes to confirm.", Kind.CONFIRM),
        ("I have added one burger. Anything else?", Kind.ANYTHING_ELSE),
        ("Will that be all?", Kind.EVERYTHING),
        ("Is that one beef burger?", Kind.PART),
        ("Is that right?", Kind.CONFIRM),
        ("What is the first thing?", Kind.ASK_BACK),
        ("One moment, let me check.", Kind.HOLD),
        ("One moment. Is a large one fine, or something else?", Kind.ANYTHING_ELSE),
        ("Which soda would you like: cola, orange or lemon?", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_a_turn_is_judged_by_what_it_asks_for(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("asked", "mine", "said"),
    [
        ("two chicken burgers", ORDER, True),
        ("2 chicken burger", ORDER, True),
        ("one large fries and a soda", ORDER, True),
        ("a chicken burger without onions", ORDER, True),
        ("three chicken burgers", ORDER, False),
        ("two large fries", ORDER, False),
        ("two cheese burgers", ORDER, False),
        ("a milkshake", ORDER, False),
        ("two chicken burgers, one large fries, one soda and a milkshake", ORDER, False),
        ("one soda", "a soda please", True),
        ("sodas", "two sodas", True),
        ("tomatoes", "no tomato", True),
        ("chipsi mbili", "chipsi mbili tafadhali", True),
        ("the", ORDER, False),
    ],
)
def test_a_check_is_true_only_when_everything_in_it_was_said(asked: str, mine: str, said: bool) -> None:
    assert was_said(asked, mine) is said


@pytest.mark.parametrize("line", ["yes", "Yes please.", "that's right", "ndiyo", "yes, go ahead", "Correct, thank you"])
def test_a_plain_yes_is_an_affirmation(line: str) -> None:
    assert is_affirmation(line)


@pytest.mark.parametrize("line", ["yes, and a soda", "two burgers", "that's all", "no", "the right one is large"])
def test_anything_that_orders_is_no_affirmation(line: str) -> None:
    assert not is_affirmation(line)


@pytest.mark.parametrize("line", ["that's all", "That is all, thank you.", "nothing else", "no thanks", "basi"])
def test_the_end_of_an_order_is_a_closer(line: str) -> None:
    assert is_closer(line)


def test_a_closer_orders_nothing() -> None:
    assert not is_closer("two burgers and that's all")


def test_the_order_is_spoken_line_by_line() -> None:
    listener = Listener([ORDER, "that's all", "yes"])
    assert listener.hear(GREETING) == Speak(ORDER)
    assert listener.hear("Anything else?") == Speak("that's all")
    assert listener.hear(READ_BACK) == Speak("yes")
    assert listener.hear("Thank you. Your order number is 17. Goodbye.") == StaySilent()
    assert listener.lines_left == 0


def test_lines_are_left_over_without_complaint() -> None:
    listener = Listener([ORDER, "that's all", "yes"])
    listener.hear(GREETING)
    assert listener.hear("We are closed, goodbye.") == StaySilent()
    assert listener.lines_left == 2


def test_an_early_yes_is_repeated_when_the_read_back_needs_it() -> None:
    listener = Listener([ORDER, "yes"])
    listener.hear(GREETING)
    assert listener.hear("Anything else?") == Speak("yes")
    assert listener.hear("What else would you like?") == Speak(THATS_ALL)
    assert listener.hear(READ_BACK) == Speak("yes")


def test_a_read_back_gets_no_yes_from_a_caller_who_never_had_one() -> None:
    listener = Listener([ORDER, "that's all"])
    listener.hear(GREETING)
    listener.hear("Anything else?")
    assert listener.hear(READ_BACK) == StaySilent()


def test_a_yes_taken_back_by_a_later_line_does_not_stand() -> None:
    listener = Listener(["a soda", "yes", "no wait, make it two sodas"])
    for words in (GREETING, READ_BACK, "Your order is in."):
        listener.hear(words)
    assert listener.hear(READ_BACK) == StaySilent()


def test_an_ask_back_repeats_the_last_line() -> None:
    listener = Listener([ORDER, "yes"])
    listener.hear(GREETING)
    assert listener.hear("Sorry, I did not catch that.") == Speak(ORDER)
    assert listener.lines_left == 1


def test_an_ask_back_after_a_yes_to_a_check_repeats_the_yes() -> None:
    listener = Listener([ORDER])
    listener.hear(GREETING)
    assert listener.hear(f"Did you say {ORDER}?") == Speak(YES)
    assert listener.hear("Sorry, could you say that again?") == Speak(YES)


def test_a_wrong_check_is_denied_and_the_line_repeated_when_asked() -> None:
    listener = Listener([ORDER, "that's all"])
    listener.hear(GREETING)
    assert listener.hear("Did you say three cheese burgers?") == Speak(NO)
    assert listener.hear("All right, what would you like?") == Speak(ORDER)
    assert listener.hear("Anything else?") == Speak("that's all")


def test_of_two_alternatives_the_one_that_was_said_is_named() -> None:
    listener = Listener(["one chicken burger and a large fries"])
    listener.hear(GREETING)
    assert listener.hear("Did you say beef burger or chicken burger?") == Speak("one chicken burger")
    assert "one chicken burger" in listener.sentences()


def test_every_sentence_it_can_say_is_known_beforehand() -> None:
    listener = Listener([ORDER, "yes"])
    turns = [GREETING, "Did you say tea?", "Sorry?", "Did you say soda or tea?", "Anything else?", "Anything else?"]
    for turn in turns:
        reply = listener.hear(turn)
        assert isinstance(reply, StaySilent) or (isinstance(reply, Speak) and reply.text in listener.sentences())


def test_one_moment_is_waited_for() -> None:
    listener = Listener([ORDER, "yes"])
    listener.hear(GREETING)
    assert listener.hear("One moment, please.") == Wait()
    assert listener.hear("One moment, please. Is that right?") == Speak("yes")


def test_repeats_are_bounded_and_then_it_goes_on() -> None:
    listener = Listener([ORDER, "that's all"], repeats_max=4)
    listener.hear(GREETING)
    answers = [listener.hear("Sorry, could you say that again?") for _ in range(5)]
    assert answers == [Speak(ORDER)] * 4 + [Speak("that's all")]


def test_everything_ends_in_silence_however_long_the_agent_asks() -> None:
    for question in ("Anything else?", "Pardon?", "Did you say tea?", READ_BACK, "Pickup or delivery?"):
        listener = Listener([ORDER, "yes"])
        replies = [listener.hear(question) for _ in range(30)]
        assert replies[-1] == StaySilent(), question


def test_a_caller_without_lines_says_nothing() -> None:
    assert Listener([]).hear(GREETING) == StaySilent()
