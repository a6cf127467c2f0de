"""Money is an integer of minor units beside its ISO currency; here it becomes text and words."""

# Currencies without minor units in daily use; every other one has two digits.
_WHOLE_UNIT_CURRENCIES = frozenset({"BIF", "JPY", "KRW", "RWF", "UGX", "XAF", "XOF"})

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
    if currency in _WHOLE_UNIT_CURRENCIES:
        return f"{sign}{currency} {abs(amount_minor):,}"
    whole, cents = divmod(abs(amount_minor), 100)
    return f"{sign}{currency} {whole:,}.{cents:02d}"


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
    return (abs(amount_minor), 0) if currency in _WHOLE_UNIT_CURRENCIES else divmod(abs(amount_minor), 100)


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
