"""The operator's prices: all of a kind or none, and refusals that say what to do."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agiza.domain.cost import CarrierPrices, ModelPrices
from agiza.runtime.price_settings import CarrierPriceSettings, ModelPriceSettings
from agiza.runtime.settings import ServiceSettings, SettingsError, read_settings

MODEL = {
    "AGIZA_PRICE_MODEL_CURRENCY": "USD", "AGIZA_PRICE_TEXT_IN": "75", "AGIZA_PRICE_AUDIO_IN": "300",
    "AGIZA_PRICE_TEXT_OUT": "450.25", "AGIZA_PRICE_AUDIO_OUT": "1200",
}  # fmt: skip
CARRIER = {
    "AGIZA_PRICE_CALL_CURRENCY": "KES", "AGIZA_PRICE_CALL_IN": "0", "AGIZA_PRICE_CALL_OUT": "300",
    "AGIZA_PRICE_STREAM": "50",
}  # fmt: skip


class Both(ModelPriceSettings, CarrierPriceSettings):
    """As the bridge has them."""


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*MODEL, *CARRIER, "AGIZA_PRICE_CALL_INCREMENT_S", "AGIZA_PRICE_STREAM_INCREMENT_S"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def problem(cls: type[ServiceSettings]) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings(cls)
    return str(refused.value)


def test_without_prices_there_are_none(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings(Both)
    assert (settings.model_prices, settings.carrier_prices) == (None, None)


def test_prices_are_exact(environment: pytest.MonkeyPatch) -> None:
    for name, value in (MODEL | CARRIER | {"AGIZA_PRICE_CALL_INCREMENT_S": "60"}).items():
        environment.setenv(name, value)
    settings = read_settings(Both)
    assert settings.model_prices == ModelPrices(
        "USD", Fraction(75), Fraction(300), Fraction(1801, 4), Fraction(1_200)
    )  # fmt: skip
    assert settings.carrier_prices == CarrierPrices("KES", Fraction(0), Fraction(300), Fraction(50), 60, 1)


@pytest.mark.parametrize(("whole", "cls"), [(MODEL, ModelPriceSettings), (CARRIER, CarrierPriceSettings)])
def test_a_price_that_is_missing_is_named(
    environment: pytest.MonkeyPatch, whole: dict[str, str], cls: type[ServiceSettings]
) -> None:
    for missing in whole:
        for name, value in whole.items():
            environment.setenv(name, value)
        environment.delenv(missing)
        text = problem(cls)
        assert text.startswith(f"set {missing} as well, or unset all of "), text


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AGIZA_PRICE_TEXT_IN", "-1", "AGIZA_PRICE_TEXT_IN: must be an amount in minor units"),
        ("AGIZA_PRICE_TEXT_IN", "nan", "AGIZA_PRICE_TEXT_IN: "),
        ("AGIZA_PRICE_TEXT_IN", "Infinity", "AGIZA_PRICE_TEXT_IN: "),
        ("AGIZA_PRICE_TEXT_IN", "1e12", "AGIZA_PRICE_TEXT_IN: must be an amount in minor units"),
        ("AGIZA_PRICE_TEXT_IN", "0.0000001", "at most 6 decimals"),
        ("AGIZA_PRICE_TEXT_IN", "a lot", "AGIZA_PRICE_TEXT_IN: "),
        ("AGIZA_PRICE_MODEL_CURRENCY", "usd", "must be the three capital letters of a currency, such as KES or USD"),
        ("AGIZA_PRICE_CALL_INCREMENT_S", "0", "AGIZA_PRICE_CALL_INCREMENT_S: "),
    ],
)
def test_a_wrong_price_stops_the_start(environment: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    for known, good in (MODEL | CARRIER).items():
        environment.setenv(known, good)
    environment.setenv(name, value)
    assert says in problem(Both)
