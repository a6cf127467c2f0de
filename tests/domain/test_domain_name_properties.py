"""What holds for every menu and every text: an exact name wins, the opposite never does, nothing breaks it."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from domain_scenario import branch_file
from hypothesis import given
from hypothesis import strategies as st

from agiza.domain.ids import ItemId
from agiza.domain.menu_model import Item, Menu
from agiza.domain.name_index import NEAR_MAX
from agiza.domain.names import Match, item_names, option_names, resolve, resolve_item, resolve_kind, resolve_option
from agiza.domain.words import TEXT_CHARS_MAX, WORD_CHARS_MAX, WORDS_MAX, named, named_bare, words_of
from benchmarks.eval_names import BRANCHES

MENUS = tuple(branch_file(path.stem).menu for path in sorted(BRANCHES.glob("*.yaml")))
ITEMS = tuple((menu, item) for menu in MENUS for item in menu.items.values())
CHOOSABLE = tuple((menu, item) for menu, item in ITEMS if item.groups)
OPPOSITES = ("no", "without", "no more", "hold the", "minus", "bila", "not", "non")
OTHERS = ("diet", "zero", "decaf", "vegan", "halal", "sugar free")
SPOKEN = st.text(alphabet="abcdefghiklmnoprstuvwyz ", min_size=1, max_size=30)


def names_of(menu: Menu) -> set[str]:
    return {" ".join(words_of(name)) for item in menu.items.values() for name in (*item_names(item), item.id)}


@st.composite
def name_sets(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Ids with names of one to three words, drawn from few words, so that names are close to each other."""
    word = st.sampled_from(
        ("hot", "mild", "beef", "chicken", "burger", "wings", "onions", "no", "extra", "six", "cola")
    )
    name = st.lists(word, min_size=1, max_size=3).map(" ".join)
    names = draw(st.lists(st.lists(name, min_size=1, max_size=3).map(tuple), min_size=1, max_size=8))
    return {f"id-{number}": spoken for number, spoken in enumerate(names)}


@given(name_sets(), st.data())
def test_an_exact_name_always_wins(names: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(names)))
    name = data.draw(st.sampled_from(names[key]))
    owners = {other for other, spoken in names.items() if words_of(name) in map(words_of, spoken)}
    match = resolve(name, names)
    if owners == {key}:
        assert match == Match(key)
    else:
        assert match.found is None
        assert set(match.near) == owners
    assert resolve(key, names) == Match(key)


@given(st.sampled_from(ITEMS), st.data())
def test_an_exact_name_wins_however_it_is_written(place: tuple[Menu, Item], data: st.DataObject) -> None:
    menu, item = place
    name = data.draw(st.sampled_from(item_names(item)))
    said = data.draw(st.sampled_from((name.upper(), f"  {name}! ", f"the {name}, please", name.replace(" ", "-"))))
    assert resolve_item(said, menu).found == item.id


@given(st.sampled_from(MENUS), st.sampled_from(ITEMS), st.data())
def test_an_item_of_another_branch_is_never_given(menu: Menu, place: tuple[Menu, Item], data: st.DataObject) -> None:
    """Neither by its id nor by its name, and whatever is offered is on this menu."""
    other = place[1]
    said = data.draw(st.sampled_from((other.id, *item_names(other))))
    match = resolve_item(said, menu)
    assert match.found is None or match.found in menu.items
    assert set(match.near) <= set(menu.items)
    kind = resolve_kind(said, menu)
    assert kind is None or menu.items[kind[0]].id == kind[0]


@given(st.sampled_from(ITEMS), st.sampled_from(OPPOSITES + OTHERS), st.data())
def test_the_opposite_of_a_dish_is_never_that_dish(
    place: tuple[Menu, Item], opposite: str, data: st.DataObject
) -> None:
    menu, item = place
    said = f"{opposite} {data.draw(st.sampled_from(item_names(item)))}"
    if " ".join(words_of(said)) not in names_of(menu):
        assert resolve_item(said, menu).found is None
        kind = resolve_kind(said, menu)
        assert kind is None or " ".join(words_of(said)) in {
            " ".join(words_of(name))
            for group in menu.items[kind[0]].groups
            for option in group.options
            for name in option_names(option, menu)
        }


@given(st.sampled_from(CHOOSABLE), st.sampled_from(OPPOSITES + OTHERS), st.data())
def test_the_opposite_of_a_choice_is_never_that_choice(
    place: tuple[Menu, Item], opposite: str, data: st.DataObject
) -> None:
    """With a "no" before it, or without the one that it has."""
    menu, item = place
    option = data.draw(st.sampled_from([option for group in item.groups for option in group.options]))
    name = data.draw(st.sampled_from(option_names(option, menu)))
    turned = f"{opposite} {name}"
    if named(name).denied:
        turned = " ".join(word for word in words_of(name) if not named(word).denied)
        assert resolve_option(turned, item, menu).found != option.id, turned
        return
    assert resolve_option(turned, item, menu).found != option.id, turned


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("mild", "spicy"),
        ("spicy", "mild"),
        ("hot", "not hot"),
        ("cold", "hot"),
        ("small", "large"),
        ("coke", "diet coke"),
    ],
)
def test_opposite_words_are_not_alike(said: str, spoken: str) -> None:
    assert resolve(said, {"one": (spoken,)}).found is None


@given(st.one_of(st.text(max_size=300), SPOKEN, st.lists(st.sampled_from(["no", "six", "extra", "½", "ﷺ", "ℋ"]))))
def test_no_text_breaks_it(said: str | list[str]) -> None:
    text = said if isinstance(said, str) else " ".join(said)
    for menu in MENUS[:2]:
        match = resolve_item(text, menu)
        assert match.found is None or match.found in menu.items
        assert set(match.near) <= set(menu.items)
        assert len(match.near) <= NEAR_MAX
        assert match.found is None or not match.near
        resolve_kind(text, menu)
    menu, item = CHOOSABLE[0]
    resolve_option(text, item, menu)


@given(st.text(min_size=1, max_size=40), st.integers(1, 100_000))
def test_what_is_looked_at_is_bounded(part: str, times: int) -> None:
    """The work depends on the words that are kept, and of those there are never more than so many, so long."""
    text = (part * times)[:1_000_000]
    for words in (words_of(text), named(text).content, named_bare(text).content):
        assert len(words) <= WORDS_MAX
        assert all(len(word) <= WORD_CHARS_MAX for word in words)
    assert resolve_item(text, MENUS[0]) == resolve_item(text[:TEXT_CHARS_MAX], MENUS[0])


def test_a_menu_that_was_changed_has_names_of_its_own() -> None:
    """The index belongs to the object: another version of the menu never answers with the names of the first."""
    menu = MENUS[0]
    first = next(iter(menu.items.values()))
    assert resolve_item(first.name, menu).found == first.id
    renamed = replace(first, name="quite another thing", aliases=MappingProxyType({}))
    changed = replace(menu, items={**menu.items, first.id: renamed})
    assert resolve_item("quite another thing", changed).found == first.id
    assert resolve_item("quite another thing", menu).found is None
    others = {item_id: item for item_id, item in menu.items.items() if item_id != first.id}
    assert resolve_item(first.name, replace(menu, items=others)).found != first.id
    assert resolve_item(first.name, menu, within=[ItemId(item_id) for item_id in others]).found != first.id
