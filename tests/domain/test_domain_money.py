import pytest

from agiza.domain.money import amount_in_words, divide_half_up, format_minor, number_in_words


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (153000, "KES", "KES 1,530.00"),
        (5, "KES", "KES 0.05"),
        (-5000, "KES", "-KES 50.00"),
        (123456789, "USD", "USD 1,234,567.89"),
        (5000, "UGX", "UGX 5,000"),
        (-7, "JPY", "-JPY 7"),
    ],
)
def test_format(amount: int, currency: str, text: str) -> None:
    assert format_minor(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (153000, "KES", "one thousand five hundred and thirty shillings"),
        (100, "KES", "one shilling"),
        (0, "KES", "zero shillings"),
        (50, "KES", "fifty cents"),
        (1050, "KES", "ten shillings and fifty cents"),
        (101, "KES", "one shilling and one cent"),
        (-5000, "KES", "minus fifty shillings"),
        (1999, "GBP", "nineteen pounds and ninety-nine pence"),
        (2500, "UGX", "two thousand five hundred shillings"),
        (1200, "CHF", "twelve CHF"),
    ],
)
def test_words(amount: int, currency: str, words: str) -> None:
    assert amount_in_words(amount, currency) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty-two"),
        (100, "one hundred"),
        (110, "one hundred and ten"),
        (1000, "one thousand"),
        (1005, "one thousand and five"),
        (30_000, "thirty thousand"),
        (999_999, "nine hundred and ninety-nine thousand nine hundred and ninety-nine"),
        (2_000_001, "two million and one"),
        (-3, "minus three"),
        (10**12, "1,000,000,000,000"),
    ],
)
def test_numbers(number: int, words: str) -> None:
    assert number_in_words(number) == words


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"), [(1, 2, 1), (5, 10, 1), (4, 10, 0), (15, 10, 2), (7, 7, 1), (0, 3, 0)]
)
def test_halves_go_up(numerator: int, denominator: int, quotient: int) -> None:
    assert divide_half_up(numerator, denominator) == quotient
