"""Money is an integer of minor units beside its ISO currency; here it becomes text and words."""

from typing import Final

# Digits of the minor unit where they are not two. UGX and RWF have cents by the standard and none in daily use.
_NO_DIGITS = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF")
_THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS: Final = {**dict.fromkeys(_NO_DIGITS, 0), **dict.fromkeys(_THREE_DIGITS, 3)}

# Spoken names: unit, units, cent, cents.
_SPOKEN = {
    "KES": ("shilling", "shillings", "cent", "cents"),
    "TZS": ("shilling", "shillings", "cent", "cents"),
    "UGX": ("shilling", "shillings", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "ZAR": ("rand", "rand", "cent", "cents"),
    "NGN": ("naira", "naira", "kobo", "kobo"),
    "GHS": ("cedi", "cedis", "pesewa", "pesewas"),
}

_ONES_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS_WORDS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = _ONES_WORDS.split()
_TENS = _TENS_WORDS.split()
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"))


def format_minor(amount_minor: int, currency: str) -> str:
    """'KES 1,530.00' for 153000; a negative amount has its sign in front of the currency."""
    sign = "-" if amount_minor < 0 else ""
    whole, cents = parts_of(amount_minor, currency)
    digits = digits_of(currency)
    return f"{sign}{currency} {whole:,}.{cents:0{digits}d}" if digits else f"{sign}{currency} {whole:,}"


def digits_of(currency: str) -> int:
    """How many decimal places an amount of this currency has: 2 for KES, 0 for UGX, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def plain_amount(amount_minor: int, currency: str) -> str:
    """'1530.00' for 153000 KES, '1530' for 1530 UGX: without separators and currency, for a machine to read."""
    whole, cents = parts_of(amount_minor, currency)
    digits = digits_of(currency)
    return f"{'-' if amount_minor < 0 else ''}{whole}{f'.{cents:0{digits}d}' if digits else ''}"


def amount_in_words(amount_minor: int, currency: str) -> str:
    """The amount as a voice says it: 'one thousand five hundred and thirty shillings'.

    A currency without a spoken name is said by its letters, after the number.
    """
    sign = "minus " if amount_minor < 0 else ""
    whole, cents = parts_of(amount_minor, currency)
    one, many, cent, cents_name = _SPOKEN.get(currency, (currency, currency, "cent", "cents"))
    parts = []
    if whole or not cents:
        parts.append(f"{number_in_words(whole)} {one if whole == 1 else many}")
    if cents:
        parts.append(f"{number_in_words(cents)} {cent if cents == 1 else cents_name}")
    return sign + " and ".join(parts)


def parts_of(amount_minor: int, currency: str) -> tuple[int, int]:
    """Whole units and what is left in minor units, both without sign."""
    return divmod(abs(amount_minor), int(10 ** digits_of(currency)))


def number_in_words(number: int) -> str:
    """British words for a whole number: 1530 is 'one thousand five hundred and thirty'."""
    if number < 0:
        return "minus " + number_in_words(-number)
    if number >= 1_000_000_000_000:
        return f"{number:,}"  # nobody says such a number; a figure is honest
    words: list[str] = []
    rest = number
    for scale, name in _SCALES:
        count, rest = divmod(rest, scale)
        if count:
            words.append(f"{_below_thousand(count)} {name}")
    if rest or not words:
        tail = _below_thousand(rest)
        words.append(f"and {tail}" if words and rest < 100 else tail)
    return " ".join(words)


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds and rest:
        return f"{_ONES[hundreds]} hundred and {_below_hundred(rest)}"
    return f"{_ONES[hundreds]} hundred" if hundreds else _below_hundred(rest)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient of two non-negative numbers rounded to the nearest integer, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
