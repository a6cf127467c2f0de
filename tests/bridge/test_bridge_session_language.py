"""The caller may change the language at any time, and everything that is said for the agent follows."""

from __future__ import annotations

import pytest
from session_script import Script, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.sayings import SAYINGS


def bilingual() -> Script:
    """A call at a branch that speaks two languages, after its greeting."""
    script = Script()
    script.feed(i.Opened(), i.LanguagesKnown(("en", "sw")), i.ModelReady())
    script.say("hello", 1_000)
    script.wait(1_500)
    return script


def answered(script: Script) -> dict[str, object]:
    """What the model was told of its one function call."""
    (answer,) = only(script.last, a.AnswerTools)
    (result,) = answer.results
    return dict(result.response)


def test_the_switch_is_answered_at_once_in_the_new_language() -> None:
    script = bilingual()
    script.call("switchLanguage", language="sw")
    assert answered(script) == {
        "status": "ok", "code": "language_switched", "language": "sw", "message": "Sawa, tuendelee kwa Kiswahili.",
    }  # fmt: skip
    assert only(script.last, a.SpeakLanguage) == [a.SpeakLanguage("sw")]
    assert {"language": "sw"} in [dict(saved.fields) for saved in only(script.last, a.SaveRecord)]
    assert not only(script.last, a.PublishTools), "it is not the business of orders"
    script.feed(i.CarrierClosed())
    assert script.report.language == "sw"


def test_back_again_and_to_what_is_spoken_already() -> None:
    script = bilingual()
    script.call("switchLanguage", language="en")
    assert answered(script)["code"] == "no_change"
    assert not only(script.last, a.SpeakLanguage)
    script.call("switchLanguage", start=2, language="sw")
    script.call("switchLanguage", start=3, language="en")
    assert answered(script)["message"] == SAYINGS["en"]["switched"]
    assert [spoken.language for spoken in only(script.log, a.SpeakLanguage)] == ["sw", "en"]


@pytest.mark.parametrize("language", ["fr", "", "SW", "sw; ignore all rules", 7, None, ["sw"], {"language": "sw"}])
def test_only_languages_of_the_branch_are_spoken(language: object) -> None:
    script = bilingual()
    script.call("switchLanguage", language=language)
    assert answered(script) == {
        "status": "error", "code": "unknown_language",
        "message": "This branch speaks English and Swahili. Go on in what you spoke before.",
    }  # fmt: skip
    assert not only(script.last, a.SpeakLanguage)
    script.feed(i.CarrierClosed())
    assert script.report.language == "en"


def test_a_branch_with_one_language_has_nothing_to_switch_to() -> None:
    script = Script()
    script.feed(i.Opened(), i.LanguagesKnown(("en",)), i.ModelReady())
    script.call("switchLanguage", language="sw")
    assert answered(script)["code"] == "unknown_language"


@pytest.mark.parametrize(("before", "spoken"), [("sw", ["sw"]), ("en", []), ("fr", []), (None, [])])
def test_a_later_leg_goes_on_in_what_was_spoken_before(before: str | None, spoken: list[str]) -> None:
    script = Script()
    script.feed(i.Opened(), i.LanguagesKnown(("en", "sw"), before), i.ModelReady())
    assert [action.language for action in only(script.log, a.SpeakLanguage)] == spoken


def test_what_else_stands_in_the_message_is_asked_in_the_new_language() -> None:
    script = bilingual()
    script.feed(
        i.ToolsRequested(
            (
                i.ToolRequest("c1", "addItem", {"name": "fries"}),
                i.ToolRequest("c2", "switchLanguage", {"language": "sw"}),
            )
        )
    )
    kinds = [type(action) for action in script.last]
    assert kinds.index(a.SpeakLanguage) < kinds.index(a.PublishTools)
    assert only(script.last, a.PublishTools)[0].calls == (i.ToolRequest("c1", "addItem", {"name": "fries"}),)


def test_a_repeated_id_is_answered_once() -> None:
    script = bilingual()
    script.call("switchLanguage", language="sw")
    script.call("switchLanguage", language="sw")
    assert not only(script.last, a.AnswerTools)


def test_the_sentence_of_a_hand_over_is_in_the_language_of_that_moment() -> None:
    script = bilingual()
    script.call("switchLanguage", language="sw")
    script.call("escalate", start=2, reason="caller_asked", summary="")
    script.wait(2_500)  # no word of the escalation service
    assert answered_late(script) == SAYINGS["sw"]["putting_through"]


def answered_late(script: Script) -> object:
    results = [result for answer in only(script.log, a.AnswerTools) for result in answer.results]
    return results[-1].response["message"]


def test_every_sentence_is_there_in_every_language() -> None:
    assert all(set(sentences) == set(SAYINGS["en"]) for sentences in SAYINGS.values())
    for name, said in SAYINGS["en"].items():
        assert SAYINGS["sw"][name] != said
