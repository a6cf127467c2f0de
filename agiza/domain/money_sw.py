"""Numbers and amounts in Swahili words."""

from typing import Final

from agiza.domain.money import parts_of

_ONES: Final = ["sifuri", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa"]
_TENS: Final = ["", "kumi", "ishirini", "thelathini", "arobaini", "hamsini", "sitini", "sabini", "themanini", "tisini"]
_SCALES: Final = ((1_000_000_000, "bilioni"), (1_000_000, "milioni"), (1_000, "elfu"))
_CURRENCIES: Final = {
    "KES": ("shilingi", "senti"),
    "TZS": ("shilingi", "senti"),
    "UGX": ("shilingi", "senti"),
    "USD": ("dola", "senti"),
    "EUR": ("yuro", "senti"),
    "GBP": ("pauni", "senti"),
    "ZAR": ("randi", "senti"),
}


def amount_in_swahili(amount_minor: int, currency: str) -> str:
    """'shilingi elfu moja mia tano na thelathini'; what is counted comes first. An unknown currency by its letters."""
    whole, cents = parts_of(amount_minor, currency)
    unit, cent = _CURRENCIES.get(currency, (currency, "senti"))
    parts = []
    if whole or not cents:
        parts.append(f"{unit} {number_in_swahili(whole)}")
    if cents:
        parts.append(f"{cent} {number_in_swahili(cents)}")
    return ("kasoro " if amount_minor < 0 else "") + " na ".join(parts)


def number_in_swahili(number: int) -> str:
    """1530 is 'elfu moja mia tano na thelathini'. No two numbers have the same words.

    A comma keeps 'elfu kumi, na mbili' (10,002) apart from 'elfu kumi na mbili' (12,000).
    """
    if number < 0:
        return "kasoro " + number_in_swahili(-number)
    if number >= 1_000_000_000_000:
        return f"{number:,}"  # nobody says such a number; a figure is honest
    words = ""
    rest = number
    for scale, name in _SCALES:
        count, rest = divmod(rest, scale)
        if count:
            before = "" if not words else " " if words.endswith(",") else ", "
            words += f"{before}{name} {_below_thousand(count)}"
            if rest and count >= 10:
                words += ","
    if not words:
        return _below_thousand(rest)
    if not rest:
        return words
    return f"{words} {'na ' if _is_one_word(rest) else ''}{_below_thousand(rest)}"


def _is_one_word(number: int) -> bool:
    """Of below a hundred: those with hundreds bring their own 'na'."""
    return number < 100


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"mia {_ONES[hundreds]}" + (f" {_last(rest)}" if rest else "")


def _last(rest: int) -> str:
    """Behind hundreds: one 'na', before the last word."""
    tens, ones = divmod(rest, 10)
    return f"{_TENS[tens]} na {_ONES[ones]}" if tens and ones else f"na {_TENS[tens] if tens else _ONES[ones]}"


def _below_hundred(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _ONES[ones]
    return _TENS[tens] + (f" na {_ONES[ones]}" if ones else "")
