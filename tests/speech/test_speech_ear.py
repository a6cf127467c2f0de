"""The ear: its decisions over a scripted recogniser, then the real thing over synthesised sentences."""

import os
import signal
from collections.abc import Iterator

import pytest
from speech_menus import westlands

from simulators.speech.ear import Ear, EarEvent, SpeechStarted, Utterance, judge
from simulators.speech.listeners import ListenersLost
from simulators.speech.marked import BEACON, encode
from simulators.speech.vocabulary import Vocabulary
from simulators.speech.voices import PiperVoice
from simulators.speech.words import gist, same_words

SECOND = bytes(32_000)
pytestmark = pytest.mark.audio


class Loudness:
    """A detector that takes any sound for speech."""

    frame_samples = 320

    def is_voiced(self, frame: bytes) -> bool:
        return any(frame)


class Scripted:
    """A recogniser with prepared answers that keeps what it heard."""

    def __init__(self, *answers: tuple[str, ...] | None) -> None:
        self.answers, self.heard, self.closed = list(answers), list[bytes](), 0

    def begin(self) -> None:
        self.heard.append(b"")

    def hear(self, pcm: bytes) -> None:
        self.heard[-1] += pcm

    def end(self) -> tuple[str, ...]:
        answer = self.answers.pop(0)
        if answer is None:
            raise ListenersLost("scripted")
        return answer

    def close(self) -> None:
        self.closed += 1


def scripted_ear(recogniser: Scripted) -> Ear:
    return Ear(Vocabulary(), detector=Loudness(), recogniser=lambda: recogniser)


def tone(ms: int) -> bytes:
    return b"\x00\x10\x00\xf0" * (8 * ms)


def said(events: list[EarEvent]) -> list[tuple[str, bool, bool]]:
    return [(event.text, event.agreed, event.marked) for event in events if isinstance(event, Utterance)]


@pytest.mark.parametrize(
    ("hypotheses", "text", "alternatives", "agreed"),
    [
        (("two teas", "two tea", "two teas please"), "two teas", (), True),
        (("two teas", "three teas", "two teas"), "two teas", ("three teas",), False),
        (("two teas", "three teas", "ten teas"), "two teas", ("three teas", "ten teas"), False),
        (("", "two teas", "two teas"), "two teas", (), False),
        (("", "", ""), "", (), False),
        ((), "", (), False),
    ],
)
def test_judging(hypotheses: tuple[str, ...], text: str, alternatives: tuple[str, ...], agreed: bool) -> None:
    assert judge(hypotheses) == (text, alternatives, agreed)


def test_an_utterance_is_announced_then_written_down_with_its_times() -> None:
    recogniser = Scripted(("One tea", "one tea", "one tea"))
    events = scripted_ear(recogniser).feed(SECOND + tone(1_500) + SECOND)
    assert events == [SpeechStarted(1_000), Utterance("one tea", (), True, False, 1_000, 2_500)]
    assert tone(1_500) in recogniser.heard[0]


def test_a_short_word_reaches_the_recogniser_too() -> None:
    recogniser = Scripted(("no", "no", "no"))
    assert said(scripted_ear(recogniser).feed(SECOND + tone(200) + SECOND)) == [("no", True, False)]
    assert tone(200) in recogniser.heard[0]


@pytest.mark.parametrize("piece", [1, 639, 640, 5_000])
def test_pieces_of_any_length_make_the_same_events(piece: int) -> None:
    pcm = SECOND[:16_000] + tone(300) + SECOND
    ear = scripted_ear(Scripted(("no", "no", "no")))
    events = [event for at in range(0, len(pcm), piece) for event in ear.feed(pcm[at : at + piece])]
    assert events == scripted_ear(Scripted(("no", "no", "no"))).feed(pcm)


def test_a_text_caller_is_understood_without_any_recogniser() -> None:
    def never() -> Scripted:
        raise AssertionError("opened for a text call")

    ear = Ear(Vocabulary(), detector=Loudness(), recogniser=never)
    texts = [BEACON, "two chicken burgers, one with no onions, a large fries, and a soda", "yes", "yes"]
    events = ear.feed(b"".join(SECOND + encode(text, 16_000) for text in texts) + SECOND)
    assert said(events) == [(text, True, True) for text in texts]
    assert [type(event) for event in events] == [SpeechStarted, Utterance] * len(texts)


def test_a_broken_transmission_ends_in_an_empty_utterance() -> None:
    pcm = encode("a long sentence that breaks off somewhere in the middle of it all", 16_000)
    ear = Ear(Vocabulary(), detector=Loudness(), recogniser=Scripted)
    events = ear.feed(SECOND + pcm[: len(pcm) // 2] + SECOND * 4 + encode("again", 16_000) + SECOND)
    assert said(events) == [("", False, True), ("again", True, True)]
    assert [type(event) for event in events] == [SpeechStarted, Utterance] * 2


def test_a_lost_recogniser_costs_one_utterance() -> None:
    opened: list[Scripted] = []

    def reopen() -> Scripted:
        opened.append(Scripted(None if not opened else ("yes", "yes", "yes")))
        return opened[-1]

    ear = Ear(Vocabulary(), detector=Loudness(), recogniser=reopen)
    assert said(ear.feed(SECOND + tone(1_000) + SECOND)) == [("", False, False)]
    assert said(ear.feed(SECOND + tone(1_000) + SECOND)) == [("yes", True, False)]
    assert [one.closed for one in opened] == [1, 0]


def test_closing_twice_closes_once() -> None:
    recogniser = Scripted()
    ear = scripted_ear(recogniser)
    ear.load()
    ear.close()
    ear.close()
    assert recogniser.closed == 1


@pytest.fixture(scope="module")
def real_ear() -> Iterator[Ear]:
    ear = Ear(westlands())
    ear.load()
    yield ear
    ear.close()


@pytest.fixture(scope="module")
def joe() -> PiperVoice:
    return PiperVoice(16_000)


def hear(ear: Ear, sound: bytes) -> Utterance:
    events = ear.feed(SECOND[:16_000] + sound + SECOND)
    (utterance,) = [event for event in events if isinstance(event, Utterance)]
    return utterance


SENTENCES = (
    "that's all",
    "yes please",
    "no thank you",
    "can i speak to a person",
    "one cheeseburger with extra cheese and bacon",
    "remove the soda",
    "make that three cheeseburgers",
    "four mandazi and two chai",
    "ten chicken nuggets",
    "for pickup",
    "no onions on the beef burger",
    "i'd like to order please",
    "can you repeat that",
    "how much is the fish burger",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_of_an_order_are_heard_word_for_word(real_ear: Ear, joe: PiperVoice, sentence: str) -> None:
    assert same_words(hear(real_ear, joe.synthesize(sentence)).text, sentence)


OFF_TOPIC = (
    "my car broke down on the highway this morning",
    "is the restaurant near the big hospital",
    "are you hiring waiters at the moment",
    "i left my umbrella there yesterday",
    "do you have any vegan options",
)


@pytest.mark.parametrize("sentence", OFF_TOPIC)
def test_other_talk_is_not_agreed_on_as_something_else(real_ear: Ear, joe: PiperVoice, sentence: str) -> None:
    heard = hear(real_ear, joe.synthesize(sentence))
    assert not heard.agreed or gist(heard.text) == gist(sentence)


async def test_hearing_works_off_the_event_loop_and_models_are_loaded_once(joe: PiperVoice) -> None:
    ear = Ear(westlands())
    await ear.open()
    events = await ear.hear(SECOND + joe.synthesize("yes please") + SECOND)
    ear.close()
    assert said(events) == [("yes please", True, False)]


def test_the_death_of_the_recognisers_is_survived(joe: PiperVoice) -> None:
    ear = Ear(westlands())
    ear.load()
    pooled = ear._recogniser
    os.kill(pooled._listeners._process.pid, signal.SIGKILL)  # type: ignore[union-attr]
    pooled._listeners._process.wait()  # type: ignore[union-attr]
    assert hear(ear, joe.synthesize("yes please")).text == "yes please"
    ear.close()
