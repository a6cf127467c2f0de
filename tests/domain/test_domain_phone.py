import pytest

from agiza.domain.phone import calling_code, is_domestic, is_e164, normalise_phone

BRANCH = "+254709000002"


@pytest.mark.parametrize(
    "spoken",
    [
        "0712 345 678",
        "0712-345-678",
        "712345678",
        "+254 712 345 678",
        "254712345678",
        "00254712345678",
        "(0)712.345.678",
    ],
)
def test_one_number_however_it_is_said(spoken: str) -> None:
    assert normalise_phone(spoken, BRANCH) == "+254712345678"


@pytest.mark.parametrize(
    "spoken",
    [
        "",
        "hello",
        "12",
        "0712 345 6789 00",
        "+44 7700 900123",
        "+1 900 555 0100",
        "0900 123 456",
        "٠٧١٢٣٤٥٦٧٨",
        "+",
        "00",
        "+254712;ext=1",
    ],
)
def test_anything_else_is_refused(spoken: str) -> None:
    assert normalise_phone(spoken, BRANCH) is None


def test_countries_of_other_code_lengths() -> None:
    assert normalise_phone("(202) 555-0143", "+12025550100") == "+12025550143"
    assert normalise_phone("020 7946 0018", "+442079460000") == "+442079460018"
    assert normalise_phone("900 555 0100", "+12025550100") is None
    assert [calling_code(number) for number in ("+12025550100", "+442079460000", BRANCH)] == ["1", "44", "254"]


def test_e164() -> None:
    assert is_e164(BRANCH)
    assert not any(is_e164(text) for text in ("254709000002", "+0254", "+2547090000020000", "+25470900000a"))
    assert not is_domestic("0712345678", BRANCH)
