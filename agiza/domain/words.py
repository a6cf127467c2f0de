"""The words of a spoken name, put into the form in which names are compared.

`words_of` is what was said, without case, accents, marks and articles. `Words` is what of it counts: numbers, negation
and "extra" apart from the rest, in English and Swahili, singular and plural alike.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from agiza.domain.money import number_in_words

# Tools take names of up to 80 characters and menus of up to 60; what is longer is no name, and is cut.
TEXT_CHARS_MAX = 160
WORDS_MAX = 12
WORD_CHARS_MAX = 32
_NUMBER_DIGITS_MAX = 4

_ARTICLES = frozenset({"a", "an", "the", "of", "some", "please"})


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Said around a name, and never what tells one dish from another.
_FILLERS = _ARTICLES | _set(
    """
    i id ill im we us me my you your uh um er erm eh ah oh ok okay so well just only maybe like likes can could may
    would want wants wanna need needs have has get gets got give gimme let lets take order try for to that thats this
    those these it its is are there do does did what which how much any all
    ya wa za cha vya kwa tafadhali naomba nipe nipatie nataka ningependa napenda ningetaka leta niletee weka niwekee tu
    basi hiyo ile hii sasa
    """
)
# What it comes in or with. Left out only where the name does not fit with it ("bottled water", "family size").
_CARRIERS = _set(
    """
    one cup cups glass glasses bottle bottles can cans plate plates portion portions piece pieces serving servings bowl
    bowls packet packets pack size sized kind type flavour flavor topping ml mls orders with add plus na and sahani
    kikombe vikombe glasi chupa kipande vipande bakuli pakiti
    """
)
_OF = _set("of ya wa la za cha vya")
_WITH = _set("with na")
_NO = _set("no not non without minus hold skip remove bila hakuna sitaki usiweke ondoa toa")
_EXTRA = _set("extra more very additional zaidi sana")
# What people ask for at a counter. None of these is another word misheard, whatever the menu has: "wine" is not "wing".
_OWN_MEANING = _set(
    """
    diet zero light decaf vegan halal fried grilled roast roasted steamed boiled raw fresh hot cold iced warm sweet sour
    salty spicy mild small medium large big double single triple half quarter full whole boneless
    chicken beef pork lamb goat mutton turkey duck fish tuna salmon prawn shrimp tilapia sausage bacon ham egg mayai
    liver kuku nyama samaki mbuzi smokie choma matumbo omena
    rice bread chapati ugali pilau biryani pasta spaghetti noodle potato chip fry crisp wedge bean maharagwe githeri
    mukimo matoke sukuma cabbage spinach mushroom onion tomato cheese avocado corn
    soup salad burger pizza wrap sandwich taco steak rib wing nugget
    cake pie pancake waffle cooky cookie ice cream yoghurt yogurt chocolate vanilla strawberry banana mango passion
    orange apple pineapple lemon lime ginger mint honey garlic
    tea coffee juice soda water milk beer wine vodka whisky cocoa espresso cappuccino latte lemonade
    coke fanta sprite pepsi stoney krest tusker guinness
    """
)
_SWAHILI_NUMBERS = {
    "moja": "one",
    "mmoja": "one",
    "mbili": "two",
    "wawili": "two",
    "tatu": "three",
    "watatu": "three",
    "nne": "four",
    "wanne": "four",
    "tano": "five",
    "watano": "five",
    "sita": "six",
    "saba": "seven",
    "nane": "eight",
    "tisa": "nine",
    "kumi": "ten",
    "ishirini": "twenty",
}
_FRACTIONS = {"½": " half ", "¼": " quarter ", "1/2": " half ", "1/4": " quarter "}
_NUMBERS = frozenset(word for number in range(100) for word in number_in_words(number).split("-")) | {
    "hundred",
    "thousand",
    "dozen",
}
_MARKS = _NUMBERS | _NO | _EXTRA


@dataclass(frozen=True, slots=True)
class Words:
    """What counts of a name.

    `plain` are all its words, `said` those that tell it from others and `content` the same in the singular; `numbers`
    are sorted. `denied` is the "no" of "no onions", `extra` the "more" of "more ice".
    """

    plain: tuple[str, ...]
    said: tuple[str, ...]
    content: tuple[str, ...]
    numbers: tuple[str, ...]
    denied: bool
    extra: bool

    @property
    def head(self) -> int:
        """The place of the content word that says what kind of thing it is: the last of "fish burger", the first of
        "baga ya samaki", the one before the "with" of "coffee with milk"."""
        if any(word in _OF for word in self.plain[1:]):
            return 0
        beside = [place for place, word in enumerate(self.content) if place and word in _WITH]
        return (beside[0] if beside else len(self.content)) - 1

    @property
    def marks(self) -> tuple[tuple[str, ...], bool, bool]:
        """What two names must have alike, word for word, to be the same."""
        return self.numbers, self.denied, self.extra


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name without case, accents, punctuation and articles; figures become words ("6" is "six")."""
    return _without(_spoken(text[:TEXT_CHARS_MAX]), _ARTICLES)


@lru_cache(maxsize=8192)
def named(text: str) -> Words:
    """What counts of `text`, all that it comes in and with included."""
    plain = _spoken(text[:TEXT_CHARS_MAX])
    return _counted(plain, _without(plain, _FILLERS))


@lru_cache(maxsize=8192)
def named_bare(text: str) -> Words:
    """What counts of `text` without what it comes in: "a cup of tea" is "tea"."""
    kept = _without(_without(_spoken(text[:TEXT_CHARS_MAX]), _FILLERS), _CARRIERS)
    return _counted(kept, kept)


def is_carrier(word: str) -> bool:
    """Whether a word says only what something comes in or with."""
    return word in _CARRIERS


def has_own_meaning(word: str) -> bool:
    """Whether a word, in the singular, is known at every counter."""
    return word in _OWN_MEANING_SINGULAR


def singular(word: str) -> str:
    """One form for a word and its plural. Both sides of a comparison go through here, so it matters only that two
    forms of a word end alike."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.startswith("vi") and len(word) > 4:
        word = "ki" + word[2:]  # vitunguu and kitunguu
    if word.endswith(("ies", "ie")):
        return word.removesuffix("s")[:-2] + "y"  # fries and fry, brownies and brownie
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word.removesuffix("s")


_OWN_MEANING_SINGULAR = frozenset(singular(word) for word in _OWN_MEANING)


def _spoken(text: str) -> tuple[str, ...]:
    for sign, word in _FRACTIONS.items():
        text = text.replace(sign, word)
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).casefold()
    # an apostrophe joins ("piper's" is "pipers"), every other mark parts
    plain = plain.replace("'", "").replace("’", "").replace("&", " and ")
    words: list[str] = []
    for part in "".join(c if c.isalnum() else " " for c in plain).split():
        words += _figures(_SWAHILI_NUMBERS.get(part, part))
        if len(words) > WORDS_MAX:
            break
    return tuple(word[:WORD_CHARS_MAX] for word in words[:WORDS_MAX])


def _figures(word: str) -> list[str]:
    """Figures as words, parted from a unit: "500ml" is "five hundred ml"."""
    digits = len(word) - len(word.lstrip("0123456789"))
    if not 0 < digits <= _NUMBER_DIGITS_MAX:
        return [word]
    figures, rest = word[:digits], word[digits:]
    return [*number_in_words(int(figures)).replace("-", " ").split(), *([rest] if rest else [])]


def _without(words: tuple[str, ...], dropped: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in dropped) or words


def _counted(plain: tuple[str, ...], words: tuple[str, ...]) -> Words:
    said = tuple(word for word in words if word not in _MARKS)
    return Words(
        plain=plain,
        said=said,
        content=tuple(singular(word) for word in said),
        numbers=tuple(sorted(word for word in words if word in _NUMBERS)),
        denied=any(word in _NO for word in words),
        extra=any(word in _EXTRA for word in words),
    )
