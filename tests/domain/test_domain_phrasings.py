"""The labelled phrasings over the shipped menus: how much is understood, and that hardly anything is guessed wrong."""

import pytest

from agiza.domain.ids import ItemId
from benchmarks.eval_names import BRANCHES, SPLITS, Phrasing, Verdict, figures, judge, menu_of, phrasings

PHRASINGS = list(phrasings())


def misses(verdicts: list[Verdict]) -> list[str]:
    return [f"{v.phrasing.say!r} means {v.phrasing.label}; answer: {v.answer}" for v in verdicts if not v.right]


@pytest.mark.parametrize("split", SPLITS)
def test_names_are_understood_and_not_guessed(split: str) -> None:
    verdicts = judge(phrasing for phrasing in PHRASINGS if phrasing.split == split)
    found = figures(verdicts)
    assert found.count >= 300
    assert found.good_enough, (found, misses(verdicts))


@pytest.mark.parametrize("branch", sorted({phrasing.branch for phrasing in PHRASINGS}))
def test_each_menu_is_understood_by_itself(branch: str) -> None:
    """No branch hides behind the others: 97 % and three wrong guesses at most, whatever the size of its file."""
    verdicts = judge(phrasing for phrasing in PHRASINGS if phrasing.branch == branch)
    found = figures(verdicts)
    assert found.right >= 0.97, misses(verdicts)
    assert found.wrong_count <= 3, misses(verdicts)


def test_every_shipped_branch_has_phrasings() -> None:
    assert {phrasing.branch for phrasing in PHRASINGS} == {path.stem for path in BRANCHES.glob("*.yaml")}


def test_the_labels_name_what_is_on_the_menus() -> None:
    for phrasing in PHRASINGS:
        menu = menu_of(phrasing.branch)
        if phrasing.of is None:
            known = set(menu.items)
        else:
            known = {option.id for group in menu.items[ItemId(phrasing.of)].groups for option in group.options}
        named = {*phrasing.ask, *phrasing.kind[:1], *([phrasing.meant] if phrasing.meant else [])}
        assert named <= known, phrasing


def test_nothing_is_labelled_twice() -> None:
    said = [(phrasing.branch, phrasing.of, phrasing.say) for phrasing in PHRASINGS]
    assert len(said) == len(set(said))


class TestVerdicts:
    """The judge itself: what it takes for a miss and for a wrong guess."""

    def verdict(self, **label: object) -> Verdict:
        phrasing = Phrasing(file="f", split="tuning", branch="westlands", **label)  # type: ignore[arg-type]
        return judge([phrasing])[0]

    def test_the_right_dish_where_a_question_was_due_is_a_wrong_guess(self) -> None:
        verdict = self.verdict(say="fries", ask=("fries",))
        assert verdict.wrong_guess
        assert not verdict.right

    def test_another_dish_is_a_wrong_guess(self) -> None:
        assert self.verdict(say="fries", meant="coffee").wrong_guess

    def test_a_question_for_what_is_certain_is_a_miss_but_no_guess(self) -> None:
        verdict = self.verdict(say="burger", meant="beef-burger")
        assert not verdict.right
        assert not verdict.wrong_guess

    def test_a_question_that_offers_it_is_good_enough_where_the_label_says_so(self) -> None:
        assert self.verdict(say="juice", meant="mango-juice", or_ask=True).right
        assert not self.verdict(say="juice", meant="coffee", or_ask=True).right

    def test_an_offer_where_there_is_nothing_is_a_miss(self) -> None:
        assert not self.verdict(say="juice", nothing=True).right
        assert self.verdict(say="sushi", nothing=True).right

    def test_a_kind_is_asked_for_with_its_option(self) -> None:
        assert self.verdict(say="coke", kind=("soda", "cola")).right
        assert not self.verdict(say="coke", kind=("soda", "orange")).right
