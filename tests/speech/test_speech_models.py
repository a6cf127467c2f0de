"""Pronunciations, carrier sentences and the language model."""

import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from speech_menus import SMALL, westlands

from simulators.speech.lm import write_trigram
from simulators.speech.phrases import PhraseBook, plural
from simulators.speech.pronounce import dictionary, model_folder, pronunciations, write_dictionary
from simulators.speech.vocabulary import Vocabulary

pytestmark = pytest.mark.audio


def phones_of_the_model() -> set[str]:
    listed = (model_folder() / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines()
    return {phone for line in listed for phone in line.split()[1:]}


def test_every_word_of_the_menu_and_the_carriers_can_be_pronounced() -> None:
    words = PhraseBook(westlands()).words
    found = dictionary(words)
    assert set(found) == set(words)
    assert set(westlands().words()) <= set(words)
    assert {phone for variants in found.values() for phones in variants for phone in phones} <= phones_of_the_model()


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("bhajia", "B HH AA JH IY AA"),
        ("kachumbari", "K AA CH UW M B AA R IY"),
        ("mandazi", "M AA N D AA Z IY"),
        ("chipsi", "CH IY P S IY"),
        ("tamu", "T AA M UW"),
        ("kahawa", "K AA HH AA W AA"),
        ("milkshakes", "M IH L K SH EY K S"),
        ("cheesecakes", "CH IY Z K EY K S"),
    ],
)
def test_words_outside_the_dictionary(word: str, phones: str) -> None:
    assert tuple(phones.split()) in pronunciations(word)


def test_a_swahili_dish_may_be_said_in_english_too() -> None:
    assert len(pronunciations("kahawa")) == 2


@pytest.mark.parametrize("word", ["", "7up", "two words", "a-b"])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="not a word"):
        pronunciations(word)


def test_the_dictionary_file_numbers_further_pronunciations(tmp_path: Path) -> None:
    write_dictionary({"tea": (("T", "IY"), ("CH", "AY"))}, tmp_path / "words.dict")
    assert (tmp_path / "words.dict").read_text().splitlines() == ["tea T IY", "tea(2) CH AY"]


def test_sentences_use_only_known_words_and_repeat_with_their_seed() -> None:
    book = PhraseBook(SMALL)
    drawn = list(book.sentences(2_000, seed=5))
    assert drawn == list(PhraseBook(SMALL).sentences(2_000, seed=5))
    assert {word for sentence in drawn for word in sentence.split()} <= set(book.words)
    assert any("margherita pizza" in sentence for sentence in drawn)


def test_options_go_with_the_dishes_that_have_them() -> None:
    drawn = " . ".join(PhraseBook(SMALL).sentences(6_000, seed=5))
    fitting, odd = drawn.count("thin crust margherita pizza"), drawn.count("thin crust beef pilau")
    assert fitting > 5 * max(odd, 1)


def test_an_empty_menu_still_gives_sentences() -> None:
    assert any("thank you" in sentence for sentence in PhraseBook(Vocabulary()).sentences(500, seed=1))


def test_mistakes_in_carriers_are_said() -> None:
    with pytest.raises(ValueError, match="rules without a definition: nowhere"):
        PhraseBook(SMALL, "utterance:\n  <nowhere>\n")
    with pytest.raises(ValueError, match="bracket"):
        PhraseBook(SMALL, "utterance:\n  one (two\n")
    with pytest.raises(ValueError, match="circles"):
        next(PhraseBook(SMALL, "utterance:\n  <utterance> again\n").sentences(1, seed=1))


@pytest.mark.parametrize(
    ("one", "many"), [("chicken burger", "chicken burgers"), ("fries", "fries"), ("chilli", "chilli"), ("box", "boxes")]
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many


def read_arpa(path: Path) -> dict[tuple[str, ...], tuple[float, float]]:
    """{gram: (log10 chance, log10 back-off)}"""
    found = {}
    for line in path.read_text().splitlines():
        if match := re.fullmatch(r"(-?[\d.]+)\t([^\t]+)(?:\t(-?[\d.]+))?", line):
            found[tuple(match[2].split())] = (float(match[1]), float(match[3] or 0))
    return found


def test_the_chances_of_the_model_add_up_to_one_after_any_context(tmp_path: Path) -> None:
    write_trigram(["one tea", "two teas", "one tea please", "two pilau please"], tmp_path / "lm")
    grams = read_arpa(tmp_path / "lm")
    words = [gram[0] for gram in grams if len(gram) == 1 and gram != ("<s>",)]

    def chance(context: tuple[str, ...], word: str) -> float:
        if (*context, word) in grams:
            return 10 ** grams[*context, word][0]
        return 10 ** grams.get(context, (0, 0))[1] * chance(context[1:], word)

    for context in [gram for gram in grams if len(gram) < 3 and gram[-1] != "</s>"]:
        assert math.isclose(sum(chance(context, word) for word in words), 1.0, abs_tol=2e-3), context


def test_the_model_prefers_what_it_has_seen_and_allows_what_it_has_not(tmp_path: Path) -> None:
    write_trigram(["one tea"] * 9 + ["one pilau"], tmp_path / "lm")
    grams = read_arpa(tmp_path / "lm")
    assert grams["<s>", "one", "tea"][0] > grams["<s>", "one", "pilau"][0] > -3
    by_order = Counter(len(gram) for gram in grams)
    declared = defaultdict(
        int, {int(order): int(count) for order, count in re.findall(r"ngram (\d)=(\d+)", (tmp_path / "lm").read_text())}
    )
    assert by_order == declared
