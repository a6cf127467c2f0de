"""Voices: the same text is the same sound, at any rate, the first sentence early."""

import importlib

import pytest

from simulators.speech import extra
from simulators.speech.extra import SpeechUnavailable, require
from simulators.speech.marked import MarkedDecoder
from simulators.speech.voices import EspeakVoice, MarkedVoice, PiperVoice, Voice, sentences

TEXT = "That is one chicken burger. Anything else?"
pytestmark = pytest.mark.audio


def test_sentences() -> None:
    assert sentences("One tea. Two teas? Yes!") == ["One tea.", "Two teas?", "Yes!"]
    assert sentences("  ...  ") == []
    assert sentences("KES 1,530.00 in total.") == ["KES 1,530.00 in total."]


def test_a_very_long_sentence_is_cut_at_commas_and_nothing_is_lost() -> None:
    long = ", ".join(f"{number} chicken burgers without onions" for number in range(20)) + "."
    pieces = sentences(long)
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= 200
    assert " ".join(pieces) == long


@pytest.mark.parametrize("rate", [16_000, 24_000])
async def test_pieces_that_are_streamed_make_the_whole_and_repeat_in_every_voice(rate: int) -> None:
    pieces = [piece async for piece in PiperVoice(rate).stream(TEXT)]
    assert len(pieces) == 2
    assert b"".join(pieces) == PiperVoice(rate).synthesize(TEXT)
    assert 1.0 < len(b"".join(pieces)) / 2 / rate < 6.0


async def test_espeak_streams_what_it_synthesizes_but_for_its_noise() -> None:
    pieces = [piece async for piece in EspeakVoice(16_000).stream(TEXT)]
    assert len(pieces) == 2
    assert len(b"".join(pieces)) == pytest.approx(len(EspeakVoice(16_000).synthesize(TEXT)), rel=0.01)


def test_repeated_sentences_come_from_memory() -> None:
    voice = EspeakVoice(16_000)
    first = voice._sentence("Anything else?")
    assert voice._sentence("Anything else?") is first


def test_a_faster_pace_is_shorter() -> None:
    assert len(PiperVoice(16_000, pace=1.3).synthesize(TEXT)) < 0.85 * len(PiperVoice(16_000).synthesize(TEXT))


@pytest.mark.parametrize("voice", [PiperVoice(16_000), EspeakVoice(16_000), MarkedVoice(16_000)])
def test_silence_for_no_words(voice: Voice) -> None:
    if not isinstance(voice, MarkedVoice):
        assert voice.synthesize("...") == b""


async def test_the_marked_voice_carries_its_text() -> None:
    pieces = [piece async for piece in MarkedVoice(24_000).stream(TEXT)]
    assert MarkedDecoder(24_000).feed(b"".join(pieces)) == [TEXT]


def test_a_missing_library_is_said_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extra.importlib, "import_module", missing)
    with pytest.raises(SpeechUnavailable, match=r"piper-tts is not installed: .*agiza\[speech\]"):
        require("piper")
    assert importlib is extra.importlib


def test_an_unknown_language_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no voice 'xx-nowhere'"):
        EspeakVoice(16_000, language="xx-nowhere")
